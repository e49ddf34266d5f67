//! What commands print: tables at a terminal, one JSON document else, and plain lines.

use std::io::{ErrorKind, IsTerminal as _, Read as _, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;
use stream_domain::Timestamp;
use time::format_description::well_known::Rfc3339;

use crate::failure::Failure;

/// The longest text that is taken from standard input, in bytes.
const MAX_INPUT: u64 = 64 * 1024;

/// How a result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Format {
    /// JSON where it is asked for, and where nobody looks.
    pub(super) fn of_list(is_json: bool) -> Self {
        if is_json || !std::io::stdout().is_terminal() { Self::Json } else { Self::Table }
    }
}

/// Rows below a header; a row has as many cells as the header.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header.to_vec());
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Prints a result in its format; `text` makes the text for people.
pub(super) fn show(format: Format, json: &Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
    match format {
        Format::Table => print(&text()),
        Format::Json => print(&format!("{json:#}")),
    }
}

/// Prints a line, or several.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    write(&format!("{text}\n"))
}

/// Prints a line of many; `false` once the reader, such as `head`, has read enough.
pub(super) fn print_on(text: &str) -> Result<bool, Failure> {
    try_write(&format!("{text}\n"))
}

/// Writes a text as it is; a reader that has read enough is no error.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    try_write(text).map(drop)
}

fn try_write(text: &str) -> Result<bool, Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format!("standard output: {error}"))),
    }
}

/// What was given as an argument, or comes from standard input where that is `-`.
pub(super) fn argument(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
    Ok(text.trim().to_owned())
}

/// An instant in UTC as of RFC 3339.
pub(super) fn instant(at: Timestamp) -> String {
    at.to_utc().format(&Rfc3339).unwrap_or_default()
}

/// The same to the second, or a dash; for tables.
pub(super) fn second(at: Option<Timestamp>) -> String {
    let text = at.map(|at| instant(at).chars().take("2026-01-02T03:04:05".len()).collect::<String>() + "Z");
    text.unwrap_or_else(|| "-".to_owned())
}

/// A text or a dash; for tables.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}
