//! Whom a token lets in, and whom not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use stream_domain::ports::TokenVerifier as _;
use stream_domain::token::TokenError;
use stream_domain::{BearerToken, Timestamp, UserId};
use time::Duration;

use crate::{ClaimRules, EmptySecret, JwtVerifier, SelfTestFailed, SharedSecret};

const NOW: i64 = 1_767_323_045;

fn secret(text: &str) -> SharedSecret {
    SharedSecret::new(text).unwrap()
}

fn claim_names() -> Vec<String> {
    ["id", "user_id", "sub"].map(str::to_owned).to_vec()
}

fn verify(token: &str) -> Result<i32, TokenError> {
    let verifier = JwtVerifier::new(&secret("current"), Some(&secret("previous")), claim_names()).unwrap();
    let now = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    verifier.verify(&BearerToken::new(token), now).map(UserId::get)
}

/// Signs by hand, without the library under test.
fn signed(key: &str, header: &Value, payload: &str) -> String {
    signed_text(key, &header.to_string(), payload)
}

fn signed_text(key: &str, header: &str, payload: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(&message).finalize();
    format!("{message}.{}", encode(&mac.into_bytes()))
}

fn with_claims(claims: &Value) -> String {
    signed("current", &json!({"alg": "HS256", "typ": "JWT"}), &claims.to_string())
}

fn with_header(header: &Value) -> String {
    signed("current", header, &json!({"id": 7, "exp": NOW + 60}).to_string())
}

#[test]
fn a_token_of_the_user_service_is_accepted() {
    assert_eq!(verify(&with_claims(&json!({"id": 7, "email": "a@example.org", "exp": NOW + 3600}))), Ok(7));
}

#[test]
fn a_minted_token_is_accepted_for_its_lifetime() {
    let at = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    let user = UserId::new(3).unwrap();
    let token = ClaimRules::default().mint(&secret("current"), user, at, Duration::HOUR).unwrap();
    let verifier = JwtVerifier::new(&secret("current"), None, claim_names()).unwrap();
    assert_eq!(verifier.verify(&token, at), Ok(user));
    assert_eq!(verifier.verify(&token, at.plus(Duration::minutes(61))), Err(TokenError::Expired));
}

#[test]
fn a_token_signed_with_the_previous_secret_is_still_accepted() {
    let header = json!({"alg": "HS256"});
    let payload = json!({"id": 7, "exp": NOW + 60}).to_string();
    assert_eq!(verify(&signed("previous", &header, &payload)), Ok(7));
    assert_eq!(verify(&signed("older", &header, &payload)), Err(TokenError::WrongSignature));
}

#[test]
fn without_a_previous_secret_only_the_current_one_counts() {
    let verifier = JwtVerifier::new(&secret("current"), None, claim_names()).unwrap();
    let token = signed("previous", &json!({"alg": "HS256"}), &json!({"id": 7, "exp": NOW + 60}).to_string());
    let now = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    assert_eq!(verifier.verify(&BearerToken::new(token), now), Err(TokenError::WrongSignature));
}

#[test]
fn a_changed_token_is_refused() {
    let token = with_claims(&json!({"id": 7, "exp": NOW + 60}));
    let parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode(json!({"id": 8, "exp": NOW + 60}).to_string());
    let changed = format!("{}.{payload}.{}", parts[0], parts[2]);
    assert_eq!(verify(&changed), Err(TokenError::WrongSignature));
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(verify(&unsigned), Err(TokenError::WrongSignature));
}

#[test]
fn every_other_algorithm_is_refused() {
    for algorithm in
        ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256", ""]
    {
        let token = with_header(&json!({"alg": algorithm}));
        assert_eq!(verify(&token), Err(TokenError::WrongAlgorithm), "{algorithm:?}");
    }
    assert_eq!(verify(&with_header(&json!({"typ": "JWT"}))), Err(TokenError::WrongAlgorithm));
    assert_eq!(verify(&with_header(&json!({"alg": ["HS256"]}))), Err(TokenError::WrongAlgorithm));
}

#[test]
fn any_critical_header_is_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("exp"), json!(["http://x"])] {
        let token = with_header(&json!({"alg": "HS256", "crit": crit, "exp": NOW}));
        assert_eq!(verify(&token), Err(TokenError::UnsupportedExtension), "{crit}");
    }
}

#[test]
fn a_token_without_expiry_is_refused() {
    assert_eq!(verify(&with_claims(&json!({"id": 7}))), Err(TokenError::NoExpiry));
    for exp in [json!(null), json!("9999999999"), json!(true)] {
        assert_eq!(verify(&with_claims(&json!({"id": 7, "exp": exp}))), Err(TokenError::NoExpiry), "{exp}");
    }
    assert_eq!(verify(&with_claims(&json!({"id": 7, "exp": [NOW + 60]}))), Err(TokenError::Malformed));
}

#[test]
fn an_expired_token_is_refused_after_five_seconds_of_grace() {
    assert_eq!(verify(&with_claims(&json!({"id": 7, "exp": NOW - 4}))), Ok(7));
    for exp in [json!(NOW - 5), json!(1_767_323_040.0), json!(0), json!(-1), json!(i64::MIN)] {
        assert_eq!(verify(&with_claims(&json!({"id": 7, "exp": exp}))), Err(TokenError::Expired), "{exp}");
    }
}

#[test]
fn a_token_of_the_future_is_refused_before_five_seconds_of_grace() {
    let claims = |nbf: Value| json!({"id": 7, "exp": NOW + 60, "nbf": nbf});
    assert_eq!(verify(&with_claims(&claims(json!(NOW + 5)))), Ok(7));
    assert_eq!(verify(&with_claims(&claims(json!(NOW + 6)))), Err(TokenError::NotYetValid));
    assert_eq!(verify(&with_claims(&claims(json!("soon")))), Err(TokenError::Malformed));
}

#[test]
fn the_user_id_is_read_from_the_first_claim_that_is_present() {
    let with = |ids: Value| {
        let mut claims = ids;
        claims["exp"] = json!(NOW + 60);
        verify(&with_claims(&claims))
    };
    assert_eq!(with(json!({"id": 1, "user_id": 2, "sub": "3"})), Ok(1));
    assert_eq!(with(json!({"user_id": 2, "sub": "3"})), Ok(2));
    assert_eq!(with(json!({"sub": "3"})), Ok(3));
    assert_eq!(with(json!({"id": "not a number", "sub": "3"})), Err(TokenError::NoUserId));
    assert_eq!(with(json!({"id": null, "sub": "3"})), Err(TokenError::NoUserId));
    assert_eq!(with(json!({"uid": 1})), Err(TokenError::NoUserId));
}

#[test]
fn a_user_id_outside_the_platforms_range_is_refused() {
    let ids = [
        json!(0),
        json!(-1),
        json!(2_147_483_648_i64),
        json!(u64::MAX),
        json!(1.0),
        json!(1.5),
        json!(true),
        json!([1]),
        json!({"id": 1}),
        json!("0"),
        json!("-1"),
        json!("+1"),
        json!("01"),
        json!("1.0"),
        json!(" 1"),
        json!("2147483648"),
        json!(""),
        json!("1\u{0}"),
    ];
    for id in ids {
        assert_eq!(
            verify(&with_claims(&json!({"id": id, "exp": NOW + 60}))),
            Err(TokenError::NoUserId),
            "{id}"
        );
    }
    assert_eq!(verify(&with_claims(&json!({"id": i32::MAX, "exp": NOW + 60}))), Ok(i32::MAX));
}

#[test]
fn what_is_no_token_is_malformed() {
    let good = with_claims(&json!({"id": 7, "exp": NOW + 60}));
    let padded = format!("{good}=");
    let (header, rest) = good.split_once('.').unwrap();
    let blank_in_header = format!("{header} .{rest}");
    for text in ["", ".", "..", "...", "a.b.c", "abc", padded.as_str(), blank_in_header.as_str(), "e30.e30."]
    {
        assert!(verify(text).is_err(), "{text:?}");
    }
    let no_object = signed("current", &json!({"alg": "HS256"}), "[1]");
    assert_eq!(verify(&no_object), Err(TokenError::Malformed));
    let no_json = signed("current", &json!({"alg": "HS256"}), "{");
    assert_eq!(verify(&no_json), Err(TokenError::Malformed));
}

#[test]
fn claims_that_nothing_is_read_from_may_be_of_any_shape() {
    let shapes =
        [json!({"user_id": 7}), json!([7]), json!(7), json!(7.5), json!(null), json!(true), json!("x")];
    for shape in shapes {
        for name in ["sub", "iss", "iat", "jti", "email", "typ"] {
            assert_eq!(
                verify(&with_claims(&json!({"id": 7, "exp": NOW + 60, name: shape}))),
                Ok(7),
                "{name}: {shape}"
            );
        }
    }
    assert_eq!(
        verify(&with_claims(&json!({"sub": {"user_id": 7}, "exp": NOW + 60}))),
        Err(TokenError::NoUserId)
    );
}

#[test]
fn what_a_token_says_twice_lets_nobody_in() {
    let (header, exp) = (json!({"alg": "HS256"}), NOW + 60);
    for payload in [
        format!(r#"{{"id":7,"id":8,"exp":{exp}}}"#),
        format!(r#"{{"id":7,"id":7,"exp":{exp}}}"#),
        format!(r#"{{"id":7,"exp":1,"exp":{exp}}}"#),
        format!(r#"{{"id":7,"exp":{exp},"\u0069d":8}}"#),
        format!(r#"{{"id":7,"exp":{exp},"other":[{{"a":1,"a":2}}]}}"#),
    ] {
        assert_eq!(verify(&signed("current", &header, &payload)), Err(TokenError::NamedTwice), "{payload}");
    }
    let payload = json!({"id": 7, "exp": exp}).to_string();
    for header in [
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":1,"kid":2}"#,
    ] {
        assert_eq!(
            verify(&signed_text("current", header, &payload)),
            Err(TokenError::NamedTwice),
            "{header}"
        );
    }
}

#[test]
fn numbers_that_are_no_times_let_nobody_in() {
    let with = |exp: &str| {
        verify(&signed("current", &json!({"alg": "HS256"}), &format!(r#"{{"id":7,"exp":{exp}}}"#)))
    };
    for exp in ["1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "01", "1.", "+9999999999", "\"", ""] {
        assert_eq!(with(exp), Err(TokenError::Malformed), "{exp}");
    }
    for exp in ["-1", "-1e300", "0.0", "-0", "1e-300"] {
        assert_eq!(with(exp), Err(TokenError::Expired), "{exp}");
    }
    for exp in ["9999999999.5", "1e300", "18446744073709551616"] {
        assert_eq!(with(exp), Ok(7), "{exp}");
    }
}

#[test]
fn hostile_bytes_let_nobody_in() {
    let deep = format!(r#"{{"id":7,"exp":{},"a":{}{}}}"#, NOW + 60, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(verify(&signed("current", &json!({"alg": "HS256"}), &deep)), Err(TokenError::Malformed));
    let good = with_claims(&json!({"id": 7, "exp": NOW + 60}));
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let changed = [
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload}.{signature}\0"),
        format!("{header}.{payload}. {signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        good.replace('.', "%2E"),
        "\u{fffd}.\u{fffd}.\u{fffd}".to_owned(),
        ".".repeat(10_000),
    ];
    for token in changed {
        assert!(verify(&token).is_err(), "{token:?}");
    }
    let not_utf8 = URL_SAFE_NO_PAD.encode([b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    let message = format!("{header}.{not_utf8}");
    let mac = Hmac::<Sha256>::new_from_slice(b"current").unwrap().chain_update(&message).finalize();
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()));
    assert_eq!(verify(&token), Err(TokenError::Malformed));
}

/// The verdict on these claims, which are valid otherwise, by a verifier with rules.
fn by_rules(rules: &ClaimRules, mut claims: Value) -> Result<i32, TokenError> {
    let verifier =
        JwtVerifier::new(&secret("current"), None, claim_names()).unwrap().requiring(rules.clone());
    claims["id"] = json!(7);
    claims["exp"] = json!(NOW + 60);
    let now = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    verifier.verify(&BearerToken::new(with_claims(&claims)), now).map(UserId::get)
}

#[test]
fn a_token_for_another_audience_is_refused_even_where_none_is_set() {
    let none = ClaimRules::default();
    assert_eq!(by_rules(&none, json!({})), Ok(7));
    for audience in
        [json!("billing"), json!(["billing"]), json!([]), json!(""), json!(7), json!({"a": 1}), json!([7])]
    {
        assert_eq!(by_rules(&none, json!({"aud": audience})), Err(TokenError::ForeignAudience), "{audience}");
    }
    let ours = ClaimRules { audiences: vec!["streams".to_owned(), "live".to_owned()], ..none };
    for audience in [json!("streams"), json!("live"), json!(["billing", "live"]), json!([7, "streams"])] {
        assert_eq!(by_rules(&ours, json!({"aud": audience})), Ok(7), "{audience}");
    }
    for audience in
        [json!("Streams"), json!("streams,live"), json!(["billing"]), json!([["streams"]]), json!(7)]
    {
        assert_eq!(by_rules(&ours, json!({"aud": audience})), Err(TokenError::ForeignAudience), "{audience}");
    }
    for claims in [json!({}), json!({"aud": null})] {
        assert_eq!(by_rules(&ours, claims), Err(TokenError::NoAudience));
    }
}

#[test]
fn a_token_of_another_issuer_is_refused_where_one_is_set() {
    assert_eq!(by_rules(&ClaimRules::default(), json!({"iss": "anybody"})), Ok(7));
    let ours = ClaimRules { issuers: vec!["https://users".to_owned()], ..ClaimRules::default() };
    assert_eq!(by_rules(&ours, json!({"iss": "https://users"})), Ok(7));
    for claims in
        [json!({}), json!({"iss": "https://users/"}), json!({"iss": ["https://users"]}), json!({"iss": null})]
    {
        assert_eq!(by_rules(&ours, claims.clone()), Err(TokenError::WrongIssuer), "{claims}");
    }
}

#[test]
fn a_token_of_another_kind_is_refused_where_one_is_set() {
    let required = [("type", "access"), ("scope", "stream"), ("verified", "true"), ("ver", "2")];
    let required = required.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let ours = ClaimRules { required, ..ClaimRules::default() };
    let good = json!({"type": "access", "scope": "chat stream", "verified": true, "ver": 2});
    assert_eq!(by_rules(&ours, good.clone()), Ok(7));
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        by_rules(&ours, claims)
    };
    assert_eq!(with("scope", json!(["stream", "chat"])), Ok(7));
    for (name, value) in [
        ("type", json!("refresh")),
        ("type", json!("access refresh")),
        ("type", json!(null)),
        ("type", json!({"access": true})),
        ("scope", json!("streams")),
        ("scope", json!([["stream"]])),
        ("verified", json!(false)),
        ("ver", json!(2.5)),
    ] {
        assert_eq!(
            with(name, value.clone()),
            Err(TokenError::WrongClaim(name.to_owned())),
            "{name}: {value}"
        );
    }
}

#[test]
fn a_minted_token_obeys_the_rules_that_it_is_minted_by() {
    let at = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    let rules = ClaimRules {
        audiences: vec!["streams".to_owned()],
        issuers: vec!["users".to_owned()],
        required: vec![("type".to_owned(), "access".to_owned())],
    };
    let token = rules.mint(&secret("current"), UserId::new(3).unwrap(), at, Duration::HOUR).unwrap();
    let verifier = JwtVerifier::new(&secret("current"), None, claim_names()).unwrap().requiring(rules);
    assert_eq!(verifier.verify(&token, at), Ok(UserId::new(3).unwrap()));
}

#[test]
fn a_verifier_that_reads_no_claim_fails_its_self_test() {
    assert_eq!(JwtVerifier::new(&secret("current"), None, Vec::new()).err(), Some(SelfTestFailed));
}

#[test]
fn an_empty_secret_is_refused_and_none_is_shown() {
    assert_eq!(SharedSecret::new("").err(), Some(EmptySecret));
    assert!(!format!("{:?}", secret("hunter2")).contains("hunter2"));
}

/// Allocations of one check of a good token; who changes it says why in the commit.
const CHECK: u64 = 14;

#[test]
fn a_check_allocates_about_as_often_as_it_did() {
    let verifier = JwtVerifier::new(&secret("current"), None, claim_names()).unwrap();
    let token = BearerToken::new(with_claims(&json!({"id": 7, "email": "u@example.org", "exp": NOW + 60})));
    let now = Timestamp::from_unix_micros(NOW * 1_000_000).unwrap();
    let check = || verifier.verify(&token, now).map(UserId::get);
    assert_eq!(check(), Ok(7));
    let count = allocation_counter::measure(|| assert_eq!(check(), Ok(7))).count_total;
    assert!(count.abs_diff(CHECK) * 10 <= CHECK, "{count} allocations, and {CHECK} before");
}
