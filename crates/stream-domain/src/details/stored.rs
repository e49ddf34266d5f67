//! Details as stores keep them: texts alone, the same in each.

use super::value::{ContentLabel, Details, Visibility};

/// Between the columns of [`StoredDetails::read_list_row`]: the unit separator, a control character that no text has.
pub const COLUMN_SEPARATOR: char = '\u{1f}';

/// The columns of a row of details; lists within one are separated by blanks, which their words do not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the columns are the fields of `Details`")]
pub struct StoredDetails {
    pub title: Option<String>,
    pub description: Option<String>,
    pub tags: String,
    pub category: Option<String>,
    pub language: Option<String>,
    pub content_labels: String,
    pub visibility: String,
}

impl StoredDetails {
    /// Reads title, tags, category, language, content labels and visibility, in this order, with a
    /// [`COLUMN_SEPARATOR`] between them and nothing for what is `NULL`: what a list selects as one value.
    pub fn read_list_row(row: &str) -> Self {
        let mut columns = row.split(COLUMN_SEPARATOR);
        let mut next = || columns.next().unwrap_or_default().to_owned();
        let present = |column: String| (!column.is_empty()).then_some(column);
        Self {
            title: present(next()),
            description: None,
            tags: next(),
            category: present(next()),
            language: present(next()),
            content_labels: next(),
            visibility: next(),
        }
    }
}

impl From<&Details> for StoredDetails {
    fn from(details: &Details) -> Self {
        let labels = details.content_labels.iter().map(|label| label.as_str());
        Self {
            title: details.title.clone(),
            description: details.description.clone(),
            tags: details.tags.join(" "),
            category: details.category.clone(),
            language: details.language.clone(),
            content_labels: labels.collect::<Vec<_>>().join(" "),
            visibility: details.visibility.as_str().to_owned(),
        }
    }
}

impl From<StoredDetails> for Details {
    /// A label that a later version wrote is left out, and a visibility of its own is not public.
    fn from(stored: StoredDetails) -> Self {
        let words = |list: &str| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        Self {
            title: stored.title,
            description: stored.description,
            tags: words(&stored.tags),
            category: stored.category,
            language: stored.language,
            content_labels: stored
                .content_labels
                .split_whitespace()
                .filter_map(ContentLabel::parse)
                .collect(),
            visibility: Visibility::parse(&stored.visibility).unwrap_or(Visibility::Unlisted),
        }
    }
}
