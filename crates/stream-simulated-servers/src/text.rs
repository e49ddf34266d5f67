//! Text in the formats of the simulated servers: identifiers, times, and the JSON of the C++ library jsoncpp.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A number that is unique in this process, with mixed bits.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    mix(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Spreads a number over all 64 bits (the finalizer of splitmix64); different numbers remain different.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number as `count` lower-case letters and digits.
pub(crate) fn letters(mut number: u64, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push(char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]));
        number /= 36;
    }
    text
}

/// A random-looking UUID of version 4.
pub(crate) fn uuid() -> String {
    let (high, low) = (unique(), unique());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The time since 1970.
pub(crate) fn since_1970() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a separate server has its own clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The time in UTC, as `2026-01-02T03:04:05.678Z`.
pub(crate) fn now() -> String {
    iso(since_1970())
}

/// A time in UTC; the calendar is Howard Hinnant's `civil_from_days`.
pub(crate) fn iso(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, second_of_day) = (seconds / 86400 + 719_468, seconds % 86400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let milliseconds = since_1970.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// JSON as jsoncpp's default writer prints it: sorted, with tabs, and with spaces around the colon.
pub(crate) fn styled(value: &Value) -> String {
    let mut text = String::new();
    write_styled(value, 0, &mut text);
    text
}

fn write_styled(value: &Value, depth: usize, text: &mut String) {
    let line = |depth: usize| format!("\n{}", "\t".repeat(depth));
    match value {
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                let comma = if position == 0 { "" } else { "," };
                text.push_str(&format!("{comma}{}\"{name}\" : ", line(depth + 1)));
                if is_block(member) {
                    text.push_str(&line(depth + 1));
                }
                write_styled(member, depth + 1, text);
            }
            text.push_str(&format!("{}}}", line(depth)));
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                let comma = if position == 0 { "" } else { "," };
                text.push_str(&format!("{comma}{}", line(depth + 1)));
                write_styled(item, depth + 1, text);
            }
            text.push_str(&format!("{}]", line(depth)));
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn is_block(value: &Value) -> bool {
    value.as_object().is_some_and(|members| !members.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty())
}
