//! Settings that do what they say.

use stream_tests::{StoreKind, TestStore};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

super::on_both_stores! { a_key_lives_as_many_hours_as_are_set }

async fn a_key_lives_as_many_hours_as_are_set(kind: StoreKind) {
    let store = TestStore::new(kind);
    for (user, hours, said) in [(1, "1", "valid for 1 hour."), (2, "8760", "valid for 8760 hours.")] {
        let service = store.setup().with("KEY_LIFETIME_HOURS", hours).start().await;
        let answer = service.generate_key(user).await;
        let time = |name: &str| {
            OffsetDateTime::parse(answer.json["stream"][name].as_str().expect("a time"), &Rfc3339)
                .expect("RFC 3339")
        };
        let life = time("expires_at") - time("created_at");
        assert_eq!(life, time::Duration::hours(hours.parse().expect("a number")));
        assert!(answer.json["message"].as_str().is_some_and(|text| text.ends_with(said)), "{answer:?}");
    }
    // A setting is for new keys: the first user's is the same key with the same end.
    let service = store.setup().start().await;
    let answer = service.generate_key(1).await;
    assert_eq!(answer.status, 409);
    for hours in ["0", "8761", "-1", "1.5", "a day"] {
        let (status, _, errors) = store.setup().with("KEY_LIFETIME_HOURS", hours).run(&[]);
        assert!(!status.success(), "{hours}");
        assert!(errors.contains("from 1 to 8760"), "{errors}");
    }
}
