//! Checks of every source file: a module comment, no forbidden markers, a maximum length, and no circle of uses.

use std::collections::BTreeMap;
use std::path::Path;

use stream_tests::FileGraph;

use super::{files, read};

/// The folders in which no file may be part of a circle.
const WITHOUT_CIRCLES: [&str; 16] = [
    "bench/src",
    "crates/stream-coalesce/src",
    "crates/stream-console/src",
    "crates/stream-domain/src",
    "crates/stream-http/src",
    "crates/stream-jwt/src",
    "crates/stream-media/src",
    "crates/stream-metrics/src",
    "crates/stream-postgres/src",
    "crates/stream-server/src",
    "crates/stream-simulated-servers/src",
    "crates/stream-spans/src",
    "crates/stream-sqlite/src",
    "crates/stream-test-postgres/src",
    "crates/stream-webhooks/src",
    "tests/src",
];

/// The folders in which no file may be long without a reason.
const WITHOUT_LONG_FILES: [&str; 15] = [
    "bench",
    "crates/stream-coalesce",
    "crates/stream-console",
    "crates/stream-domain",
    "crates/stream-http",
    "crates/stream-jwt",
    "crates/stream-media",
    "crates/stream-metrics",
    "crates/stream-postgres",
    "crates/stream-server",
    "crates/stream-simulated-servers",
    "crates/stream-spans",
    "crates/stream-sqlite",
    "crates/stream-test-postgres",
    "crates/stream-webhooks",
];

/// How many lines a file may have.
const MAX_LINES: usize = 300;

/// How a line begins that gives the reason for a longer file.
const REASON: &str = "//! Long because ";

#[test]
fn every_source_file_has_a_module_comment_and_no_forbidden_marker() {
    for file in files(".rs") {
        let text = read(file.to_str().expect("names are text"));
        assert!(text.starts_with("//! "), "{} does not begin with a sentence", file.display());
        // Split, so that this file does not contain them.
        for forbidden in
            [["#[al", "low("], ["#[ig", "nore"], ["TO", "DO"], ["todo", "!("], ["unimple", "mented!("]]
        {
            let forbidden = forbidden.concat();
            assert!(!text.contains(&forbidden), "{} has {forbidden}", file.display());
        }
        let is_test = ["tests", "testing", "stream-test-postgres"].iter().any(|part| {
            file.components().any(|component| component.as_os_str().to_string_lossy().starts_with(part))
        });
        assert!(is_test || !text.contains(".unwrap()"), "{} unwraps", file.display());
        // For tests as well; other files have a lower limit below.
        assert!(text.lines().count() <= 420, "{} is long", file.display());
    }
}

fn is_for_tests(file: &Path) -> bool {
    ["tests", "tests.rs", "testing", "testing.rs"].iter().any(|name| file.iter().any(|part| part == *name))
}

#[test]
#[expect(clippy::print_stderr, reason = "shows what is not checked yet")]
fn no_file_is_part_of_a_circle_of_uses() {
    let mut folders: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for file in files(".rs") {
        let file = file.to_str().expect("names are text");
        if let Some((package, name)) = file.split_once("/src/") {
            let folder = folders.entry(format!("{package}/src")).or_default();
            folder.insert(name.to_owned(), read(file));
        }
    }
    let mut circles = String::new();
    for (folder, files) in &folders {
        let graph = FileGraph::new(files);
        let Some(circle) = graph.circle() else { continue };
        let report =
            format!("{folder}: {:?} are in circles; the shortest is\n{circle}", graph.files_in_circles());
        if WITHOUT_CIRCLES.contains(&folder.as_str()) {
            circles.push_str(&report);
        } else {
            eprintln!("not checked yet: {report}");
        }
    }
    assert!(WITHOUT_CIRCLES.iter().all(|folder| folders.contains_key(*folder)), "{:?}", folders.keys());
    assert!(circles.is_empty(), "{circles}");
}

#[test]
#[expect(clippy::print_stderr, reason = "shows what is not checked yet")]
fn no_file_is_long_without_a_reason() {
    let mut long = String::new();
    for file in files(".rs").into_iter().filter(|file| !is_for_tests(file)) {
        let text = read(file.to_str().expect("names are text"));
        let lines = text.lines().count();
        let has_reason =
            text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.starts_with(REASON));
        if lines <= MAX_LINES || has_reason {
            continue;
        }
        let report = format!("{}: {lines} lines\n", file.display());
        if WITHOUT_LONG_FILES.iter().any(|folder| file.starts_with(folder)) {
            long.push_str(&report);
        } else {
            eprint!("not checked yet: {report}");
        }
    }
    assert!(long.is_empty(), "{long}");
}
