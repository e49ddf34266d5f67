//! Texts as they are kept: one form of each character, and nothing that hides or turns around what is shown.

use unicode_normalization::UnicodeNormalization as _;

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It has so many characters.
    TooLong(usize),
    /// It has this control character.
    Control(char),
    /// It has this character, which turns text around beyond its end.
    Direction(char),
}

/// The text in NFC, without blanks around it; `None` if nothing is left.
///
/// Line feeds are allowed where there may be several `lines`; `CR LF` counts as one.
pub(crate) fn normalized(text: &str, lines: bool, max: usize) -> Result<Option<String>, Unfit> {
    let text: String = text.trim().replace("\r\n", "\n").nfc().collect();
    let control = |found: &char| found.is_control() && !(lines && *found == '\n');
    if let Some(found) = text.chars().find(control) {
        return Err(Unfit::Control(found));
    }
    // Embeddings, overrides and isolates, and what ends them.
    let turns = |found: &char| matches!(found, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if let Some(found) = text.chars().find(turns) {
        return Err(Unfit::Direction(found));
    }
    match text.chars().count() {
        0 => Ok(None),
        length if length > max => Err(Unfit::TooLong(length)),
        _ => Ok(Some(text)),
    }
}

impl Unfit {
    /// A sentence about the text of this name, with the limit and what was sent.
    pub(crate) fn sentence(self, name: &str, max: usize) -> String {
        match self {
            Self::TooLong(length) => format!("{name}: {length} characters, at most {max}"),
            Self::Control(found) => {
                format!("{name}: has the control character U+{:04X}, which is not allowed", u32::from(found))
            }
            Self::Direction(found) => {
                format!("{name}: has U+{:04X}, which changes the direction of text", u32::from(found))
            }
        }
    }
}
