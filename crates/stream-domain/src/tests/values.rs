//! Ids, instants, statuses and pages.

use proptest::prelude::*;
use time::Duration;
use time::macros::datetime;

use crate::lifecycle::{KeyLifetime, LIFETIME, NotPublishable};
use crate::ports::{StartError, StoreError, chain_of};
use crate::stream::{Stream, StreamId};
use crate::testing::new_stream;
use crate::{ListRow, PageRequest, Position, StreamKey, StreamStatus, Timestamp, UserId};

fn stream(status: StreamStatus) -> Stream {
    let at = Timestamp::new(datetime!(2026-01-02 03:04:05.000006 UTC));
    let new = new_stream(UserId::new(1).unwrap(), StreamKey::parse("k").unwrap(), at);
    Stream { status, ..Stream::started(StreamId(1), &new) }
}

#[test]
fn a_user_id_is_a_postgresql_integer_above_zero() {
    assert_eq!(UserId::new(1).map(UserId::get), Ok(1));
    assert_eq!(UserId::new(2_147_483_647).map(UserId::get), Ok(i32::MAX));
    for number in [0, -1, 2_147_483_648, i64::MIN, i64::MAX] {
        assert!(UserId::new(number).is_err(), "{number}");
    }
}

#[test]
fn a_user_id_is_read_from_its_plain_decimal_form_only() {
    assert_eq!(UserId::parse("42").map(UserId::get), Ok(42));
    for text in [
        "",
        "0",
        "-1",
        "+1",
        "007",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "٣",
        "2147483648",
        "9".repeat(40).as_str(),
    ] {
        assert!(UserId::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_instant_is_cut_to_the_microsecond_and_moved_to_utc() {
    let instant = Timestamp::new(datetime!(2026-01-02 03:04:05.123456789 +01:00));
    assert_eq!(instant.to_utc(), datetime!(2026-01-02 02:04:05.123456 UTC));
    assert_eq!(instant.to_utc().offset(), time::UtcOffset::UTC);
}

#[test]
fn a_key_lives_for_24_hours() {
    assert_eq!(LIFETIME, Duration::hours(24));
    let stream = stream(StreamStatus::Active);
    assert_eq!(stream.expires_at.to_utc(), datetime!(2026-01-03 03:04:05.000006 UTC));
}

#[test]
fn an_installation_may_choose_any_number_of_hours_up_to_a_year() {
    assert_eq!(KeyLifetime::default().duration(), LIFETIME);
    for hours in [1, 24, 8760] {
        let lifetime = KeyLifetime::from_hours(hours).unwrap();
        assert_eq!((lifetime.hours(), lifetime.duration()), (hours, Duration::hours(hours.into())));
    }
    for hours in [0, 8761, u16::MAX] {
        assert_eq!(KeyLifetime::from_hours(hours), None);
    }
}

#[test]
fn a_key_is_publishable_before_its_expiry_and_not_at_it() {
    let stream = stream(StreamStatus::Active);
    let last = stream.expires_at.plus(Duration::microseconds(-1));
    assert_eq!(stream.publishable_at(last), Ok(()));
    assert_eq!(stream.publishable_at(stream.expires_at), Err(NotPublishable::Expired));
}

#[test]
fn a_stopped_key_cannot_publish() {
    let stream = stream(StreamStatus::Active);
    let at = stream.created_at;
    let stopped = stream.stop(at).unwrap();
    assert_eq!(stopped.publishable_at(at), Err(NotPublishable::Stopped));
    assert_eq!(stopped.stop(at), Err(NotPublishable::Stopped));
}

#[test]
fn a_stopped_stream_stays_stopped_after_its_expiry() {
    let stream = stream(StreamStatus::Stopped);
    assert_eq!(stream.status_at(stream.expires_at), StreamStatus::Stopped);
    assert_eq!(stream.clone().sweep(stream.expires_at), stream);
}

#[test]
fn every_status_has_its_word() {
    for (status, word) in [
        (StreamStatus::Active, "active"),
        (StreamStatus::Stopped, "stopped"),
        (StreamStatus::Expired, "expired"),
    ] {
        assert_eq!(status.as_str(), word);
        assert_eq!(StreamStatus::parse(word), Some(status));
    }
    assert_eq!(StreamStatus::parse("Active"), None);
}

#[test]
fn an_instant_is_within_the_years_that_rfc_3339_can_write() {
    assert_eq!(Timestamp::MIN.to_utc(), datetime!(0000-01-01 00:00 UTC));
    assert_eq!(Timestamp::MAX.to_utc(), datetime!(9999-12-31 23:59:59.999999 UTC));
    for instant in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(Timestamp::from_unix_micros(instant.unix_micros()), Some(instant));
    }
    assert_eq!(Timestamp::from_unix_micros(Timestamp::MIN.unix_micros() - 1), None);
    assert_eq!(Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() + 1), None);
    assert_eq!(Timestamp::MIN.plus(-Duration::DAY), Timestamp::MIN);
    assert_eq!(Timestamp::MAX.plus(Duration::DAY), Timestamp::MAX);
}

#[test]
fn a_row_that_cannot_be_read_does_not_end_the_list() {
    let streams = [3, 2, 1].map(|id| Stream { id: StreamId(id), ..stream(StreamStatus::Active) });
    let rows = |count: usize| {
        let row = |stream: &Stream| ListRow {
            position: Position::from(stream),
            stream: (stream.id != StreamId(2)).then(|| stream.clone()),
            details: None,
        };
        streams.iter().take(count).map(row).collect()
    };
    let request = PageRequest { limit: std::num::NonZeroU32::new(2), after: None };
    let page = request.page_of(rows(3));
    assert_eq!(page.streams, [streams[0].clone()]);
    assert_eq!(page.next, Some(Position::from(&streams[1])));
    assert_eq!(request.page_of(rows(2)).next, None);
}

#[test]
fn a_chain_names_each_cause_once() {
    let inner = StoreError::unavailable("connection refused");
    assert_eq!(chain_of(&inner), "the store is unavailable: connection refused");
    let outer = StoreError::failed(inner);
    assert_eq!(chain_of(&outer), "the store failed: the store is unavailable: connection refused");
    assert_eq!(outer.innermost_cause(), "connection refused");
    // Transparent errors say what their cause says.
    assert_eq!(chain_of(&StartError::Store(StoreError::failed("x"))), "the store failed: x");
}

proptest! {
    #[test]
    fn microseconds_since_the_epoch_round_trip(micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000) {
        let instant = Timestamp::from_unix_micros(micros).unwrap();
        prop_assert_eq!(instant.unix_micros(), micros);
        prop_assert_eq!(Timestamp::from_utc(instant.to_naive_utc()), instant);
    }
}
