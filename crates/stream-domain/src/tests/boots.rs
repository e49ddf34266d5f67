//! What a sign of life of a boot means.

use time::Duration;

use crate::broadcasts::boots::{BootSign, Boots, LATE_WITHIN, SHARED_FOR};
use crate::ports::Clock as _;
use crate::testing::ManualClock;

const SHARED: BootSign = BootSign::Shared { is_news: false };
const NEWLY_SHARED: BootSign = BootSign::Shared { is_news: true };

/// What each sign means, given the seconds after the first one.
fn signs(heard: &[(&str, i64)]) -> Vec<BootSign> {
    let (mut boots, begin) = (Boots::default(), ManualClock::default().now());
    heard.iter().map(|(id, seconds)| boots.note(id, begin.plus(Duration::seconds(*seconds)))).collect()
}

#[test]
fn a_boot_that_was_never_seen_is_the_current_one() {
    use BootSign::{Current, Late};
    let heard = [("a", 0), ("a", 10), ("b", 20), ("a", 21), ("b", 30), ("a", 49), ("c", 50), ("b", 60)];
    assert_eq!(signs(&heard), [Current, Current, Current, Late, Current, Late, Current, Late]);
}

#[test]
fn two_boots_that_go_on_side_by_side_share_a_name_and_that_is_news_once() {
    use BootSign::Current;
    let late = LATE_WITHIN.whole_seconds();
    let heard = [("a", 0), ("b", 1), ("a", 1 + late), ("b", 2 + late), ("a", 3 + late), ("c", 4 + late)];
    assert_eq!(signs(&heard), [Current, Current, NEWLY_SHARED, SHARED, SHARED, SHARED]);
}

#[test]
fn a_name_is_one_servers_again_when_the_other_was_not_heard_for_long() {
    use BootSign::Current;
    let (late, long) = (LATE_WITHIN.whole_seconds(), SHARED_FOR.whole_seconds());
    let heard = [
        ("a", 0),
        ("b", 1),
        ("a", 1 + late),
        ("b", long + late),
        ("b", long + late + 1),
        ("c", long + late + 2),
    ];
    assert_eq!(signs(&heard), [Current, Current, NEWLY_SHARED, SHARED, Current, Current]);
}

#[test]
fn a_boot_is_new_though_the_clock_was_set_back() {
    use BootSign::{Current, Late};
    assert_eq!(signs(&[("a", 3_600), ("b", 0), ("a", 1), ("b", 2)]), [Current, Current, Late, Current]);
}
