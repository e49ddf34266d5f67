//! The text of a setting, as environment files, shells and secret stores pass it on.

/// Without blanks and line ends around it, and without a pair of quotes that an environment file left there.
pub(crate) fn plain(text: &str) -> &str {
    let text = text.trim_matches(is_blank);
    let unquoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    unquoted.unwrap_or(text).trim_matches(is_blank)
}

/// What is invisible: blanks, line ends, control characters, and the marks that editors and chat programs insert.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

/// Without one line end, which editors add at the end of a file.
pub(crate) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
