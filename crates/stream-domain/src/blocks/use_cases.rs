//! What operators order about users.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::block::{Block, BlockPage, BlockPosition, BlockReason};
use crate::ports::{BlockStore, Clock, StoreError, StreamPorts};
use crate::{Stream, UserId};

/// The use cases of blocks.
#[derive(Clone)]
pub struct Blocks {
    store: Arc<dyn BlockStore>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").finish_non_exhaustive()
    }
}

/// What an order to block a user has brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The block, as it is kept.
    pub block: Block,
    /// The stream that was stopped by it; its publisher is kicked.
    pub stopped: Option<Stream>,
}

impl Blocks {
    /// Wires the use cases to their ports.
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>) -> Self {
        Self { store: ports.blocks.clone(), clock }
    }

    /// Blocks a user, who has no active stream from now on; one who is blocked already gets this reason.
    pub async fn block(&self, user: UserId, reason: Option<BlockReason>) -> Result<Blocked, StoreError> {
        let block = Block { user, reason, blocked_at: self.clock.now() };
        let (block, stopped) = self.store.block_user(&block).await?;
        Ok(Blocked { block, stopped })
    }

    /// Lifts a user's block, and returns it; `None` if the user is not blocked.
    pub async fn unblock(&self, user: UserId) -> Result<Option<Block>, StoreError> {
        self.store.unblock_user(user).await
    }

    /// At most `limit` blocks behind this place, the latest first.
    pub async fn list(
        &self,
        limit: NonZeroU32,
        after: Option<BlockPosition>,
    ) -> Result<BlockPage, StoreError> {
        let blocks = self.store.list_blocks(limit.saturating_add(1), after).await?;
        Ok(BlockPage::of(blocks, limit))
    }
}
