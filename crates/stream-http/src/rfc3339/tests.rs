//! What is written, and that it reads back.

use proptest::prelude::{any, proptest};
use stream_domain::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known;

use super::Rfc3339;

fn written(instant: Timestamp) -> String {
    serde_json::to_string(&Rfc3339(instant)).unwrap()
}

#[test]
fn a_fraction_loses_its_last_zeros() {
    let at = |micros| written(Timestamp::from_unix_micros(micros).unwrap());
    assert_eq!(at(0), r#""1970-01-01T00:00:00Z""#);
    assert_eq!(at(1_500_000), r#""1970-01-01T00:00:01.5Z""#);
    assert_eq!(at(1_000_001), r#""1970-01-01T00:00:01.000001Z""#);
    assert_eq!(written(Timestamp::MIN), r#""0000-01-01T00:00:00Z""#);
    assert_eq!(written(Timestamp::MAX), r#""9999-12-31T23:59:59.999999Z""#);
}

proptest! {
    #[test]
    fn every_instant_reads_back(micros in any::<i64>(), zeros in 0_u32..7) {
        // From the year 0 to 9999, with fractions of every length.
        let span = Timestamp::MAX.unix_micros() - Timestamp::MIN.unix_micros();
        let micros = Timestamp::MIN.unix_micros() + micros.rem_euclid(span);
        let step = 10_i64.pow(zeros);
        let instant = Timestamp::from_unix_micros(micros.div_euclid(step) * step).unwrap_or(Timestamp::MIN);
        let text = written(instant);
        let read = OffsetDateTime::parse(text.trim_matches('"'), &well_known::Rfc3339).unwrap();
        assert_eq!(Timestamp::new(read), instant, "{text}");
    }
}
