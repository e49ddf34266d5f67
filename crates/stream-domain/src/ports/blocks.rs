//! Keeps which users may not stream.

use std::num::NonZeroU32;

use async_trait::async_trait;

use super::StoreError;
use crate::blocks::{Block, BlockPosition};
use crate::{Stream, UserId};

/// Blocks users, and lifts blocks.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait BlockStore: Send + Sync {
    /// Blocks a user, and stops the user's active, unexpired stream at `block.blocked_at`, as its owner would; returns the
    /// block as it is kept, and that stream.
    ///
    /// A block that is there already MUST keep its time, and get this reason.
    /// Once this has returned, the user MUST have no active stream until the block is lifted, whatever runs at the same
    /// time: each start returns [`StartError::Blocked`](super::StartError) with the block.
    async fn block_user(&self, block: &Block) -> Result<(Block, Option<Stream>), StoreError>;

    /// Lifts a user's block, and returns it; `None` if the user is not blocked.
    ///
    /// Of several calls at once, exactly one MUST get the block.
    async fn unblock_user(&self, user: UserId) -> Result<Option<Block>, StoreError>;

    /// At most `limit` blocks behind this place, the latest first.
    async fn list_blocks(
        &self,
        limit: NonZeroU32,
        after: Option<BlockPosition>,
    ) -> Result<Vec<Block>, StoreError>;
}
