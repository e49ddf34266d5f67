//! The committed files of the console: what its sources make, small, and with no text outside of its file of texts.

use std::process::Command;

use stream_tests::pages::console_sources;
use stream_tests::{succeed, workspace};

use crate::tidy::{files, read};

/// The most that the console may load before it plays, and with the player, in compressed bytes.
const LIMITS: [(&[&str], u64); 2] = [
    (&["index.html", "console.css", "console.js", "icon.svg"], 60_000),
    (&["index.html", "console.css", "console.js", "icon.svg", "hls.js"], 250_000),
];

#[test]
fn the_files_are_what_their_sources_make() {
    let (sources, made) = (console_sources(), tempfile::tempdir().expect("a temporary folder"));
    succeed(Command::new("node").arg("build.mjs").arg(made.path()).current_dir(&sources));
    let committed = workspace().join("crates/stream-console/dist");
    let names = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("it can be read").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(made.path()), names(&committed));
    for name in names(made.path()) {
        let [made, kept] =
            [made.path(), &committed].map(|folder| std::fs::read(folder.join(&name)).expect("a file"));
        assert!(made == kept, "{} is not what its sources make: run make console", name.display());
    }
}

#[test]
fn the_sources_have_the_types_of_the_client() {
    succeed(Command::new("npm").args(["run", "check"]).current_dir(console_sources()));
}

#[test]
fn the_page_is_small() {
    for (names, limit) in LIMITS {
        let size: u64 = names
            .iter()
            .map(|name| {
                let file = workspace().join("crates/stream-console/dist").join(name);
                let gzip = Command::new("gzip").args(["-6", "-c"]).arg(file).output().expect("gzip is there");
                gzip.stdout.len() as u64
            })
            .sum();
        assert!((1_000..limit).contains(&size), "{names:?} are {size} bytes");
    }
}

#[test]
fn every_text_is_in_the_file_of_texts() {
    let parts = files(".tsx").into_iter().filter(|file| file.starts_with("crates/stream-console/web/src"));
    let mut found = 0;
    for file in parts {
        found += 1;
        for (number, line) in read(file.to_str().expect("names are text")).lines().enumerate() {
            // A sentence between tags, or one that a screen reader says.
            let between = line.trim();
            let is_sentence = between.starts_with(|letter: char| letter.is_ascii_uppercase())
                && between.split(' ').count() > 1
                && !between.contains(['{', '(', '=', ';']);
            let is_label = ["aria-label=\"", "placeholder=\"", "title=\"", "alt=\""]
                .iter()
                .any(|name| line.contains(name));
            assert!(!is_sentence && !is_label, "{}:{}: {line}", file.display(), number + 1);
        }
    }
    assert!(found > 10, "{found} files");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for name in ["index.html", "console.css", "console.js", "embed.js"] {
        let text = read(&format!("crates/stream-console/dist/{name}"));
        for foreign in
            ["src=\"http", "href=\"http", "url(http", "import(\"http", "from\"http", "innerHTML=", "eval("]
        {
            // Preact sets what is named dangerouslySetInnerHTML, which no part here uses.
            let is_preact = foreign == "innerHTML=" && name == "console.js";
            assert!(!text.contains(foreign) || is_preact, "{name} has {foreign}");
        }
    }
    for file in files(".tsx") {
        assert!(
            !read(file.to_str().expect("text")).contains("dangerouslySetInnerHTML"),
            "{}",
            file.display()
        );
    }
}
