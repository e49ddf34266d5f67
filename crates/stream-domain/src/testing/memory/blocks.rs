//! Users who may not stream, in memory.

use std::num::NonZeroU32;

use async_trait::async_trait;

use super::MemoryStore;
use crate::blocks::{Block, BlockPosition};
use crate::ports::{BlockStore, StoreError};
use crate::{Stream, UserId};

#[async_trait]
impl BlockStore for MemoryStore {
    async fn block_user(&self, block: &Block) -> Result<(Block, Option<Stream>), StoreError> {
        let mut state = self.state()?;
        let kept = state.blocks.entry(block.user).or_insert_with(|| block.clone());
        kept.reason.clone_from(&block.reason);
        let kept = kept.clone();
        let mut own = state.streams.iter().filter(|stream| stream.user_id == Some(block.user));
        let stopped = own.find_map(|stream| stream.clone().stop(block.blocked_at).ok());
        stopped.iter().for_each(|stopped| state.put(stopped));
        Ok((kept, stopped.map(|stopped| state.sessions.seen_from(&stopped))))
    }

    async fn unblock_user(&self, user: UserId) -> Result<Option<Block>, StoreError> {
        Ok(self.state()?.blocks.remove(&user))
    }

    async fn list_blocks(
        &self,
        limit: NonZeroU32,
        after: Option<BlockPosition>,
    ) -> Result<Vec<Block>, StoreError> {
        let state = self.state()?;
        let mut blocks: Vec<Block> = state.blocks.values().cloned().collect();
        blocks.sort_by_key(|block| std::cmp::Reverse(BlockPosition::from(block)));
        blocks.retain(|block| after.is_none_or(|after| BlockPosition::from(block) < after));
        blocks.truncate(limit.get() as usize);
        Ok(blocks)
    }
}
