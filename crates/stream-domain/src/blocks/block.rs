//! A block, why it is there, and pages of blocks.

use std::fmt;
use std::num::NonZeroU32;

use crate::details::normalized;
use crate::{Timestamp, UserId};

/// The most characters of a reason.
const MAX_REASON: usize = 500;

/// A user who may not stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who.
    pub user: UserId,
    /// Why, in words that the user is told.
    pub reason: Option<BlockReason>,
    /// Since when.
    pub blocked_at: Timestamp,
}

/// Why a user is blocked, in an operator's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReason(String);

/// A reason cannot be taken as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidReason(String);

impl BlockReason {
    /// Reads a line of at most 500 characters, without blanks around it; `None` if nothing is left.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidReason> {
        let read = normalized(text, false, MAX_REASON);
        let reason = read.map_err(|unfit| InvalidReason(unfit.sentence("reason", MAX_REASON)))?;
        Ok(reason.map(Self))
    }

    /// The reason as a store has it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What its user is told.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("An operator of this platform has blocked you from streaming")?;
        if let Some(reason) = &self.reason {
            write!(f, ": {}", reason.as_str().trim_end_matches('.'))?;
        }
        f.write_str(". Ask the platform's support to lift the block.")
    }
}

/// A place in a list of blocks, the latest first, and by user among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockPosition {
    /// When the user at this place was blocked.
    pub blocked_at: Timestamp,
    /// The user.
    pub user: UserId,
}

impl From<&Block> for BlockPosition {
    fn from(block: &Block) -> Self {
        Self { blocked_at: block.blocked_at, user: block.user }
    }
}

/// A part of a list of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPage {
    /// The blocks, the latest first.
    pub blocks: Vec<Block>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<BlockPosition>,
}

impl BlockPage {
    /// Makes a page of the blocks that were read: one more than `limit` tells that there is a next page.
    pub(super) fn of(mut blocks: Vec<Block>, limit: NonZeroU32) -> Self {
        let wanted = limit.get() as usize;
        let more = blocks.len() > wanted;
        blocks.truncate(wanted);
        let next = blocks.last().filter(|_| more).map(BlockPosition::from);
        Self { blocks, next }
    }
}
