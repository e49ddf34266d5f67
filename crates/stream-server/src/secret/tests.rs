//! How a secret is read, and which can be guessed.

use stream_domain::testing::SeededEntropy;

use super::*;

fn texts(secret: &Secret) -> Vec<&str> {
    secret.readings().iter().map(SharedSecret::expose).collect()
}

#[test]
fn a_tidy_secret_is_read_in_one_way() {
    let secret = Secret::given("a good secret, with blanks inside").unwrap();
    assert_eq!(texts(&secret), ["a good secret, with blanks inside"]);
    assert!(!secret.is_untidy());
}

#[test]
fn what_stands_around_a_secret_is_taken_both_as_meant_and_as_not_meant() {
    for (text, plain) in [
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        (" s3cret ", "s3cret"),
        ("\"s3cret\"", "s3cret"),
        ("'s3cret'\n", "s3cret"),
    ] {
        let secret = Secret::given(text).unwrap();
        assert_eq!(texts(&secret), [text, plain], "{text:?}");
        assert!(secret.is_untidy(), "{text:?}");
    }
}

#[test]
fn a_files_last_line_end_is_nothing_to_warn_of() {
    for content in ["s3cret\n", "s3cret\r\n"] {
        let secret = Secret::of_file(content).unwrap();
        assert_eq!(texts(&secret), ["s3cret", content]);
        assert!(!secret.is_untidy(), "{content:?}");
    }
    let secret = Secret::of_file("s3cret\n\n").unwrap();
    assert_eq!(texts(&secret), ["s3cret\n", "s3cret\n\n", "s3cret"]);
    assert!(secret.is_untidy());
    assert_eq!(texts(&Secret::of_file("s3cret").unwrap()), ["s3cret"]);
}

#[test]
fn a_secret_of_nothing_but_blanks_is_empty() {
    for text in ["", "\n", "  ", "\"\"", "' '"] {
        assert!(Secret::given(text).is_err(), "{text:?}");
        assert!(Secret::of_file(text).is_err(), "{text:?}");
    }
}

#[test]
fn secrets_that_can_be_guessed_are_told_apart() {
    for (text, weakness) in [
        ("your-secret-key", Weakness::Known),
        ("YOUR_SECRET_KEY", Weakness::Known),
        ("change-me-to-the-user-services-secret", Weakness::Known),
        ("please-change-me-before-you-go-to-production", Weakness::Known),
        ("your-256-bit-secret", Weakness::Known),
        ("a-string-secret-at-least-256-bits-long", Weakness::Known),
        ("<put the secret of the user-service here>", Weakness::Known),
        ("secret", Weakness::Known),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Weakness::Monotonous),
        ("abcabcabcabcabcabcabcabcabcabcabcabc", Weakness::Monotonous),
        ("0123456789abcdef0123456789abcdef", Weakness::Monotonous),
        ("abcdefghijklmnopqrstuvwxyz0123456789", Weakness::Monotonous),
        ("hunter2hunter2hunter2hunter2hunter2", Weakness::Monotonous),
        ("x", Weakness::Monotonous),
        ("Tr0ub4dor&3-and-more", Weakness::Short),
    ] {
        assert_eq!(weakness_of(text), Some(weakness), "{text}");
    }
}

#[test]
fn random_secrets_of_every_usual_form_are_good_ones() {
    let entropy = SeededEntropy::default();
    for _ in 0..500 {
        let mut random = [0; 32];
        entropy.fill(&mut random).unwrap();
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(weakness_of(&hex), None, "{hex}");
        assert_eq!(weakness_of(&hex[..32]), None, "{hex}");
        let letters: String = random.iter().map(|byte| char::from(b'!' + byte % 94)).collect();
        assert_eq!(weakness_of(&letters), None, "{letters}");
    }
    assert_eq!(weakness_of("a secret that is shared by this test and its service"), None);
}

#[test]
fn a_made_secret_is_a_good_one_and_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/secret_key");
    let made = read_or_make(&path, &SeededEntropy::new(1)).unwrap();
    assert_eq!(made.weakness(), None);
    assert_eq!(made.main().expose().len(), 64);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = read_or_make(&path, &SeededEntropy::new(2)).unwrap();
    assert_eq!(texts(&again), texts(&made));
    // Somebody else was first: theirs is kept, and nothing of ours is left behind.
    make(&path, &SeededEntropy::new(3)).unwrap();
    assert_eq!(texts(&read_or_make(&path, &SeededEntropy::new(4)).unwrap()), texts(&made));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
