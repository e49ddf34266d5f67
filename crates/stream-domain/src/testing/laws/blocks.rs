//! A user who is blocked has no active stream, whatever runs at the same time.

use std::num::NonZeroU32;

use futures_util::future::{join, join_all};

use super::asked::{SECOND, admitted, pending_kicks};
use super::streams::{MICROSECOND, RACERS, active, found, named, names, now, started, user};
use crate::blocks::{Block, BlockPosition, BlockReason};
use crate::ports::StartError;
use crate::testing::{Store, asking};
use crate::{Stream, StreamStatus, Timestamp};

fn block(number: i64, reason: &str, at: Timestamp) -> Block {
    let reason = BlockReason::parse(reason).expect("a law's reason is short");
    Block { user: user(number), reason, blocked_at: at }
}

/// Blocks a user, and returns the block as it is kept, with the stream that was stopped.
async fn blocked(store: &impl Store, block: &Block) -> (Block, Option<Stream>) {
    store.block_user(block).await.expect("the store is there")
}

/// The block that refuses a start of this user.
async fn refused(store: &impl Store, number: i64, name: &str, at: Timestamp) -> Block {
    match store.start(&named(number, name, at)).await {
        Err(StartError::Blocked(block)) => *block,
        other => panic!("expected the block, got {other:?}"),
    }
}

/// A block stops what is active, has its publisher kicked, and refuses each new key until it is lifted.
pub async fn a_blocked_user_has_no_active_stream_and_gets_none(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let later = now().plus(SECOND);
    let spam = block(1, "Spam", later);
    let (kept, stopped) = blocked(store, &spam).await;
    assert_eq!(kept, spam);
    let stopped = stopped.expect("it was active");
    assert_eq!(
        (stopped.key.expose(), stopped.status, stopped.updated_at),
        ("one", StreamStatus::Stopped, later)
    );
    assert_eq!(pending_kicks(store, later).await, ["s1"]);
    assert_eq!(names(&active(store, later).await), ["two"]);
    assert_eq!(refused(store, 1, "next", later).await, spam);
    assert_eq!(found(store, "next").await, None);
    assert_eq!(store.unblock_user(user(1)).await.expect("the store is there"), Some(spam));
    assert_eq!(store.unblock_user(user(1)).await.expect("the store is there"), None);
    started(store, &named(1, "next", later)).await;
}

/// A user may be blocked before the first stream, and what has expired is not stopped.
pub async fn a_block_stops_only_what_is_active(store: &impl Store) {
    assert_eq!(blocked(store, &block(1, "", now())).await, (block(1, "", now()), None));
    let old = started(store, &named(2, "old", now())).await;
    assert_eq!(blocked(store, &block(2, "", old.expires_at)).await.1, None);
    refused(store, 2, "fresh", old.expires_at).await;
}

/// Who is blocked again gets the new reason, and stays blocked since the first time.
pub async fn a_second_block_changes_the_reason_alone(store: &impl Store) {
    let later = now().plus(SECOND);
    for (reason, at) in [("Spam", now()), ("Fraud", later), ("", later)] {
        let (kept, _) = blocked(store, &block(1, reason, at)).await;
        assert_eq!(kept, block(1, reason, now()));
        assert_eq!(refused(store, 1, "next", later).await, kept);
    }
}

/// Blocks are listed, the latest first, page by page.
pub async fn blocks_are_listed_the_latest_first(store: &impl Store) {
    let all = [(1, 0), (2, 1), (3, 1), (4, 2)];
    for (number, seconds) in all {
        blocked(store, &block(number, "Spam", now().plus(SECOND * seconds))).await;
    }
    let list = async |limit, after| {
        let listed = store.list_blocks(NonZeroU32::new(limit).expect("it is not 0"), after).await;
        let listed = listed.expect("the store is there");
        (
            listed.iter().map(|block| block.user.get()).collect::<Vec<_>>(),
            listed.last().map(BlockPosition::from),
        )
    };
    assert_eq!(list(9, None).await.0, [4, 3, 2, 1]);
    let (first, after) = list(2, None).await;
    assert_eq!((first, list(9, after).await.0), (vec![4, 3], vec![2, 1]));
    let before_all = BlockPosition { blocked_at: now().plus(-MICROSECOND), user: user(9) };
    assert_eq!(list(9, Some(before_all)).await.0, Vec::<i32>::new());
}

/// Of a block and many starts at once, the block has the last word: none of them leaves an active stream.
pub async fn a_block_wins_against_starts_at_the_same_time(store: &impl Store) {
    for round in 1..=8 {
        let name = |racer: usize| format!("key-{round}-{racer}");
        let starts = join_all((0..RACERS).map(async |racer| {
            let started = store.start(&named(round, &name(racer), now())).await;
            match started {
                Ok(_) | Err(StartError::AlreadyActive(_) | StartError::Blocked(_)) => {}
                Err(other) => panic!("expected a stream or a refusal, got {other:?}"),
            }
        }));
        let block = block(round, "Spam", now());
        let order = async {
            blocked(store, &block).await;
            // From now on, whatever the others are at.
            own_active(store, round).await
        };
        let (_, while_others_run) = join(starts, order).await;
        assert_eq!(while_others_run, Vec::<Stream>::new(), "round {round}");
        assert_eq!(own_active(store, round).await, [], "round {round}");
        assert_eq!(refused(store, round, "after", now()).await, block);
    }
}

async fn own_active(store: &impl Store, number: i64) -> Vec<Stream> {
    let own = super::streams::own(store, number).await;
    own.into_iter().filter(|stream| stream.status == StreamStatus::Active).collect()
}
