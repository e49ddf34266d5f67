//! How soon a user gets the next key.

use std::num::NonZeroU32;

use time::Duration;

use crate::Timestamp;
use crate::pace::{KeyPace, Recent, TooSoon};
use crate::ports::Clock as _;
use crate::testing::ManualClock;

fn at(seconds: i64) -> Timestamp {
    ManualClock::default().now().plus(Duration::seconds(seconds))
}

#[test]
fn a_minute_is_counted_from_the_oldest_key_that_fills_it() {
    let per_minute = NonZeroU32::new(3);
    let pace = KeyPace { per_minute, ..KeyPace::default() };
    let recent = Recent { limiting_key: Some(at(0)), last_stop: Some(at(59)) };
    let wait = |seconds| Err(TooSoon { wait: Duration::seconds(seconds), per_minute });
    assert_eq!(pace.check(recent, at(0)), wait(60));
    assert_eq!(pace.check(recent, at(59)), wait(1));
    assert_eq!(pace.check(recent, at(60)), Ok(()));
    assert_eq!(pace.check(Recent::default(), at(0)), Ok(()));
    assert_eq!(KeyPace::default().check(recent, at(0)), Ok(()), "without a limit nothing is in the way");
}

#[test]
fn a_stop_is_in_the_way_for_the_cool_down() {
    let pace = KeyPace { per_minute: None, cooldown: Duration::seconds(30) };
    let recent = Recent { limiting_key: None, last_stop: Some(at(0)) };
    assert_eq!(pace.check(recent, at(10)), Err(TooSoon { wait: Duration::seconds(20), per_minute: None }));
    assert_eq!(pace.check(recent, at(30)), Ok(()));
    let skewed = Recent { limiting_key: None, last_stop: Some(at(11)) };
    assert_eq!(KeyPace::default().check(skewed, at(10)), Ok(()), "a clock that is ahead makes no cool-down");
    // The longer wait is the one that helps.
    let both = KeyPace { per_minute: NonZeroU32::new(1), ..pace };
    let recent = Recent { limiting_key: Some(at(0)), last_stop: Some(at(5)) };
    assert_eq!(both.check(recent, at(10)).map_err(|refusal| refusal.wait), Err(Duration::seconds(50)));
}
