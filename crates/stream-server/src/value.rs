//! The text of a setting, as environment files, shells and secret stores hand it over.

use std::path::Path;

/// Without blanks and line ends around it, and without a pair of quotes that an environment file left there.
pub(crate) fn plain(text: &str) -> &str {
    let text = text.trim_matches(is_blank);
    let unquoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    unquoted.unwrap_or(text).trim_matches(is_blank)
}

/// What nobody sees: blanks, line ends, control characters, and the marks that editors and chat programs leave.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

/// Without one line end, which editors put at the end of a file.
pub(crate) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// The content of the file that `{name}_FILE` names; what is wrong is said with the variable and the path.
pub(crate) fn read_file(name: &str, path: &Path) -> Result<String, String> {
    let content = std::fs::read(path);
    let content =
        content.map_err(|error| format!("{name}_FILE: {} cannot be read: {error}", path.display()))?;
    String::from_utf8(content).map_err(|_| format!("{name}_FILE: {} is not UTF-8 text", path.display()))
}

/// The file that `{name}_FILE` names, where it is set and not empty; refused where `name` is set as well.
pub(crate) fn file_of<'p>(
    name: &str,
    path: Option<&'p Path>,
    is_given_directly: bool,
) -> Result<Option<&'p Path>, String> {
    let path = path.filter(|path| !path.as_os_str().is_empty());
    if path.is_some() && is_given_directly {
        return Err(format!("{name} and {name}_FILE are both set; keep one of them"));
    }
    Ok(path)
}
