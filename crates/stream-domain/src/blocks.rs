//! Blocks: users who may not stream, by an operator's order.

mod block;
mod use_cases;

pub use block::{Block, BlockPage, BlockPosition, BlockReason, InvalidReason};
pub use use_cases::{Blocked, Blocks};
