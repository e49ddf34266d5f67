//! What operators say of a user who may not stream, and what the user is told.

use std::num::NonZeroU32;
use std::sync::Arc;

use futures_executor::block_on;

use crate::blocks::{Block, BlockReason};
use crate::ports::{Clock as _, StreamPorts};
use crate::testing::{ManualClock, MemoryStore};
use crate::{Blocks, UserId};

fn told(reason: &str) -> String {
    let reason = BlockReason::parse(reason).unwrap();
    Block { user: UserId::new(1).unwrap(), reason, blocked_at: ManualClock::default().now() }.to_string()
}

#[test]
fn a_blocked_user_is_told_the_reason_and_what_to_do() {
    let (who, what) = (
        "An operator of this platform has blocked you from streaming",
        "Ask the platform's support to lift the block.",
    );
    assert_eq!(told(" Spam. "), format!("{who}: Spam. {what}"));
    assert_eq!(told(""), format!("{who}. {what}"));
}

#[test]
fn a_reason_is_a_line_of_at_most_500_characters() {
    let refusal = |text: &str| BlockReason::parse(text).unwrap_err().to_string();
    assert_eq!(refusal(&"ä".repeat(501)), "reason: 501 characters, at most 500");
    assert!(BlockReason::parse(&"ä".repeat(500)).is_ok_and(|reason| reason.is_some()));
    assert!(refusal("two\nlines").contains("U+000A") && refusal("\u{202e}").contains("U+202E"));
    assert_eq!(BlockReason::parse(" \n ").unwrap(), None);
}

#[test]
fn a_page_of_blocks_names_the_next_one_only_if_there_is_one() {
    let ports = StreamPorts::of(Arc::new(MemoryStore::default()));
    let blocks = Blocks::new(&ports, Arc::new(ManualClock::default()));
    for number in 1..=3 {
        block_on(blocks.block(UserId::new(number).unwrap(), None)).unwrap();
    }
    let page = |limit, after| {
        let page = block_on(blocks.list(NonZeroU32::new(limit).unwrap(), after)).unwrap();
        (page.blocks.iter().map(|block| block.user.get()).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = page(2, None);
    assert_eq!((first, page(2, next)), (vec![3, 2], (vec![1], None)));
    assert_eq!(page(3, None).1, None);
}
