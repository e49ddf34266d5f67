//! A dialect answers any bytes.

use proptest::prelude::*;

use super::*;

/// Renders both a yes and a no, and checks what no answer may be.
fn is_answered(family: Family, body: &[u8], host: Option<&str>) {
    let event = parse(family, body, host);
    if let Ok(HookEvent::Publisher(report)) = &event {
        assert_eq!(
            report.family,
            if family.capabilities().has_gate { Family::NodeMediaServer4 } else { family }
        );
        assert!(report.boot_id.is_none() || family == Family::Srs);
        assert!(report.connection_number.is_none() || family == Family::NginxRtmp);
    }
    for outcome in [Outcome::Accepted(None), Outcome::Noted, STOPPED, renamed()] {
        let answer = render(family, body, &outcome);
        let is_redirect = (300..400).contains(&answer.status);
        assert_eq!(is_redirect, family.capabilities().renames && outcome == renamed());
        assert_eq!(is_redirect, answer.location.is_some());
    }
}

/// A recorded request, changed as a proxy, an attacker or a bug might.
fn mutated() -> impl Strategy<Value = (Family, Vec<u8>)> {
    let place = any::<prop::sample::Index>();
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        Just(b"%".to_vec()),
        Just(b"&name=victim&call=publish_done&clientid=-9223372036854775809".to_vec()),
        Just(b"\",\"key\":\"".to_vec()),
        Just(b"{".to_vec()),
        Just(b"null".to_vec()),
        Just(b"?vhost=other&key=a&key=b".to_vec()),
        Just("\u{1f600}%f0%9f".as_bytes().to_vec()),
    ];
    let edits = prop::collection::vec((place, 0_usize..12, piece), 1..6);
    (prop::sample::select(recorded::ALL.to_vec()), edits).prop_map(|((family, body), edits)| {
        let mut bytes = body.as_bytes().to_vec();
        for (place, removed, piece) in edits {
            let from = place.index(bytes.len() + 1);
            let to = (from + removed).min(bytes.len());
            bytes.splice(from..to, piece);
        }
        (family, bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for family in Family::ALL {
            is_answered(family, &body, None);
        }
    }

    #[test]
    fn any_text_like_forms_and_json_is_answered(body in "[a-z{}\\[\\]\":,&=?%+0-9/ \\\\é]{0,200}") {
        for family in Family::ALL {
            is_answered(family, body.as_bytes(), Some("pub.local"));
        }
    }

    #[test]
    fn recorded_requests_with_changes_are_answered((family, body) in mutated()) {
        is_answered(family, &body, None);
        is_answered(family, &body, Some(""));
    }

    #[test]
    fn a_publisher_cannot_put_in_a_field_of_nginx(
        field in prop::sample::select(vec!["app", "addr", "clientid", "call", "name", "type", "time", "timestamp"]),
        value in "[ -~]{0,20}",
        before in prop::bool::ANY,
    ) {
        let body = if before {
            format!("{field}={value}&{}", recorded::NGINX_PUBLISH)
        } else {
            format!("{}&{field}={value}", recorded::NGINX_PUBLISH)
        };
        // `time` and `timestamp` are not in a question, and so do not occur twice; they mean nothing either.
        let is_harmless = field.starts_with("time") && !value.contains('&');
        let heard = parse(Family::NginxRtmp, body.as_bytes(), None);
        prop_assert!(matches!(heard, Err(Refusal::MalformedRequest)) || field.starts_with("time"));
        if is_harmless {
            prop_assert_eq!(self::heard(Family::NginxRtmp, &body), self::heard(Family::NginxRtmp, recorded::NGINX_PUBLISH));
        }
    }
}
