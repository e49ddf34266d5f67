//! What is a stream key, and what never shows it.

use proptest::prelude::*;

use crate::key::InvalidStreamKey;
use crate::ports::MockEntropy;
use crate::testing::{SeededEntropy, new_stream};
use crate::{BearerToken, StreamKey, Timestamp, UserId};

#[test]
fn a_new_key_is_32_bytes_as_43_characters_of_base64url() {
    let mut entropy = MockEntropy::new();
    entropy.expect_fill().times(1).returning(|bytes| {
        assert_eq!(bytes.len(), 32);
        bytes.fill(0xfb);
        Ok(())
    });
    let key = StreamKey::generate(&entropy).unwrap();
    assert_eq!(key.expose(), "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
    assert_eq!(key.expose().len(), 43);
}

#[test]
fn keys_of_the_earlier_service_are_accepted_up_to_255_characters() {
    assert!(StreamKey::parse("a").is_ok());
    assert!(StreamKey::parse(&"Z".repeat(255)).is_ok());
    assert_eq!(StreamKey::parse(&"Z".repeat(256)), Err(InvalidStreamKey::TooLong));
}

#[test]
fn foreign_characters_are_refused() {
    assert_eq!(StreamKey::parse(""), Err(InvalidStreamKey::Empty));
    for text in
        ["\0", "a\0b", "a b", "a.b", "a/b", "a%62", "ä", "ａ", "a=", "a+b", "a~b", "a\n", "key?name=other"]
    {
        assert_eq!(StreamKey::parse(text), Err(InvalidStreamKey::ForeignCharacter), "{text:?}");
    }
}

#[test]
fn neither_keys_nor_tokens_show_in_debug_output() {
    let key = StreamKey::parse("hunter2").unwrap();
    let at = Timestamp::from_unix_micros(0).unwrap();
    let new = new_stream(UserId::new(1).unwrap(), key, at);
    let shown = format!("{new:?} {:?}", BearerToken::new("hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("redacted"), "{shown}");
}

proptest! {
    #[test]
    fn every_generated_key_parses_to_itself(seed in any::<u64>()) {
        let key = StreamKey::generate(&SeededEntropy::new(seed)).unwrap();
        prop_assert_eq!(key.expose().len(), 43);
        prop_assert_eq!(StreamKey::parse(key.expose()), Ok(key));
    }

    #[test]
    fn parsing_accepts_the_alphabet_and_nothing_else(text in "\\PC{0,20}") {
        let of_alphabet = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        prop_assert_eq!(StreamKey::parse(&text).is_ok(), of_alphabet);
    }

    #[test]
    fn what_parses_is_kept_as_it_was(text in "[A-Za-z0-9_-]{1,255}") {
        let key = StreamKey::parse(&text).unwrap();
        prop_assert_eq!(key.expose(), text);
    }
}
