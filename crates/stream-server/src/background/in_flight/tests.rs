//! When more deliveries are taken.

use stream_domain::events::LogPosition;
use stream_domain::testing::SeededEntropy;
use stream_domain::webhooks::{WebhookSecret, WebhookTerms};
use stream_domain::{Event, Timestamp, Webhook};

use super::*;

fn due(webhook: i64, number: u32, is_failing: bool) -> Vec<DueDelivery> {
    let terms = WebhookTerms { url: String::new(), kinds: Vec::new(), description: None };
    let secret = WebhookSecret::generate(&SeededEntropy::default()).unwrap();
    let new = Webhook::added(None, terms, secret, Timestamp::MIN);
    let webhook =
        Webhook { id: WebhookId(webhook), failing_since: is_failing.then_some(Timestamp::MIN), ..new };
    let event = |position: u32| Event {
        position: LogPosition(position.into()),
        kind: String::new(),
        user: None,
        stream: None,
        at: Timestamp::MIN,
        data: String::new(),
    };
    (0..number)
        .map(|position| DueDelivery { webhook: webhook.clone(), event: event(position), tries: 0 })
        .collect()
}

#[test]
fn an_endpoint_with_a_backlog_gets_more_as_soon_as_half_of_it_is_done() {
    let mut in_flight = InFlight::default();
    in_flight.begin(&due(1, EACH, false), 50);
    for _ in 0..3 {
        assert_eq!(in_flight.busy(), [WebhookId(1)]);
        let ends: Vec<bool> = (0..EACH / 2 + 1).map(|_| in_flight.end(WebhookId(1))).collect();
        let expected: Vec<bool> = (0..EACH / 2 + 1).map(|end| end == EACH / 2).collect();
        assert_eq!(ends, expected, "once, when it is no longer busy");
        assert_eq!(in_flight.busy(), []);
        in_flight.begin(&due(1, EACH, false), 50);
        // Back to ten.
        (0..EACH / 2 - 1).for_each(|_| assert!(!in_flight.end(WebhookId(1))));
    }
}

#[test]
fn an_endpoint_without_a_backlog_waits_for_the_next_look() {
    let mut in_flight = InFlight::default();
    in_flight.begin(&due(1, EACH - 1, false), 50);
    for _ in 0..EACH - 1 {
        assert!(!in_flight.end(WebhookId(1)));
    }
    assert!(!in_flight.end(WebhookId(1)), "nothing went on");
    assert_eq!((in_flight.busy(), in_flight.room()), (Vec::new(), ENDPOINTS));
}

#[test]
fn an_endpoint_that_fails_is_busy_with_one() {
    let mut in_flight = InFlight::default();
    in_flight.begin(&[due(1, 1, true), due(2, 1, false)].concat(), 50);
    assert_eq!(in_flight.busy(), [WebhookId(1)]);
    assert!(!in_flight.end(WebhookId(1)));
    assert_eq!(in_flight.busy(), []);
}

#[test]
fn no_more_go_on_than_there_is_room_for() {
    let mut in_flight = InFlight::default();
    let mut webhook = 0;
    while in_flight.room() > 0 {
        webhook += 1;
        in_flight.begin(&due(webhook, EACH, false), in_flight.room());
    }
    assert_eq!(in_flight.all, MOST);
    assert!(in_flight.end(WebhookId(1)), "as many endpoints as there was room for, so others may wait");
}
