//! Every command of docs/operations is in a block with a name, and some test runs that block; links lead to headings.

use std::collections::BTreeSet;
use std::path::Path;

use stream_tests::documents::{blocks, pages};
use stream_tests::workspace;

use crate::tidy::{files, read};

/// The languages that something here can run or read.
const LANGUAGES: [&str; 8] = ["caddyfile", "haproxy", "ini", "json", "nginx", "sh", "sql", "yaml"];

/// How commands begin that may be mentioned in a sentence only if a block has them.
const PROGRAMS: [&str; 13] = [
    "chown",
    "curl",
    "docker",
    "helm",
    "journalctl",
    "kubectl",
    "openssl rand",
    "pg_dump",
    "pg_restore",
    "psql",
    "sqlite3",
    "stream-server",
    "systemctl",
];

#[test]
fn every_block_has_a_name_and_a_test_that_runs_it() {
    let sources = files(".rs").into_iter().filter(|file| !file.ends_with("docs/blocks.rs"));
    let sources: String = sources.map(|file| read(file.to_str().expect("names are text"))).collect();
    let mut names = BTreeSet::new();
    for block in blocks() {
        let place = format!("{}: {:?}", block.page, block.text);
        assert!(LANGUAGES.contains(&block.language.as_str()), "no language: {place}");
        assert!(!block.name.is_empty(), "no name: {place}");
        assert!(sources.contains(&format!("\"{}\"", block.name)), "no test has {:?}: {place}", block.name);
        assert!(names.insert(block.name.clone()), "twice: {place}");
    }
    assert!(names.len() > 40, "{names:?}");
}

#[test]
fn commands_within_sentences_are_those_of_a_block() {
    let run: String = blocks().into_iter().map(|block| block.text).collect();
    let mut seen = 0;
    for (page, text) in pages() {
        let sentences = text.split("```").step_by(2).flat_map(str::lines);
        for span in sentences.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_command = PROGRAMS.iter().any(|program| {
                span.strip_prefix(program).is_some_and(|rest| rest.starts_with(' ') && !rest.contains('…'))
            });
            seen += usize::from(is_command);
            assert!(!is_command || run.contains(span), "{page}: no block has {span:?}");
        }
    }
    assert!(seen > 5, "{seen}");
}

/// The fragment of a heading's address, as GitHub makes it.
fn fragment(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn fragments(text: &str) -> BTreeSet<String> {
    let outside = text.split("\n```").step_by(2).flat_map(str::lines);
    outside
        .filter(|line| line.starts_with('#'))
        .map(|line| fragment(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn links_lead_to_headings_that_exist() {
    let mut seen = 0;
    for file in files(".md") {
        let text = read(file.to_str().expect("names are text"));
        let folder = file.parent().unwrap_or(Path::new(""));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((page, heading)) = target.split_once('#') else { continue };
            if page.contains("://") {
                continue;
            }
            let page = if page.is_empty() { file.clone() } else { folder.join(page) };
            let linked = std::fs::read_to_string(workspace().join(&page)).unwrap_or_default();
            assert!(fragments(&linked).contains(heading), "{}: {target}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}
