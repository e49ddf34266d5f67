//! The statements in files: SQL that can be run as it stands.

use std::path::{Path, PathBuf};

use super::{block_on, migrated};

/// Every `.sql` file of this crate.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|ending| ending == "sql")).collect()
}

#[test]
fn every_sql_file_can_be_prepared_as_it_stands() {
    block_on(async {
        let (database, _store) = migrated().await;
        let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert!(files.len() >= 9, "{files:?}");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let highest = (1..).take_while(|number| text.contains(&format!("${number}"))).count();
            let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements";
            // A statement that cannot be prepared fails the test.
            let prepared = database.sql(&format!("PREPARE statement AS\n{text};\n{count}"));
            assert_eq!(prepared, highest.to_string(), "{}", file.display());
        }
    });
}
