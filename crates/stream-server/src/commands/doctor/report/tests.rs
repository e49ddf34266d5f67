//! What a script reads, and what a person does.

use serde_json::json;
use stream_domain::Finding;

use super::{document, line};

fn findings() -> Vec<Finding> {
    vec![
        Finding::ok("port", "8082 is free"),
        Finding::warning("SECRET_KEY", "is short", "choose another"),
        Finding::failure("database", "no\nconnection", "start it"),
    ]
}

#[test]
fn a_finding_is_one_line_with_its_cure_and_colored_only_where_that_is_wanted() {
    let lines: Vec<String> = findings().iter().map(|finding| line(finding, false)).collect();
    assert_eq!(
        lines,
        [
            "ok       port: 8082 is free",
            "warning  SECRET_KEY: is short. Cure: choose another",
            "FAILURE  database: no connection. Cure: start it",
        ]
    );
    assert!(line(&findings()[2], true).starts_with("\u{1b}[31mFAILURE\u{1b}[0m  database"));
}

#[test]
fn the_document_counts_and_names_the_worst_state() {
    assert_eq!(
        document(&findings()),
        json!({
            "state": "failure",
            "failures": 1,
            "warnings": 1,
            "findings": [
                { "subject": "port", "state": "ok", "what": "8082 is free", "cure": null },
                { "subject": "SECRET_KEY", "state": "warning", "what": "is short", "cure": "choose another" },
                { "subject": "database", "state": "failure", "what": "no\nconnection", "cure": "start it" },
            ],
        })
    );
    assert_eq!(document(&[])["state"], "ok");
}
