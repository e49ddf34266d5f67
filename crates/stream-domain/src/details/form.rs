//! Details as a client sends them, and what is wrong with them.

use oxilangtag::LanguageTag;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::categories::Categories;
use super::text::normalized;
use super::value::{ContentLabel, Details, Visibility};

/// The most characters of a title.
pub const MAX_TITLE: usize = 140;

/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 5_000;

/// The most tags.
pub const MAX_TAGS: usize = 10;

/// The most characters of a tag.
pub const MAX_TAG: usize = 25;

/// The most characters of a language, which RFC 5646 wants to be kept at least.
const MAX_LANGUAGE: usize = 35;

/// Details as a client sends them: what is `None` was not sent, and what is empty says that there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of `Details`")]
pub struct DetailsForm {
    pub title: Option<String>,
    pub description: Option<String>,
    pub tags: Option<Vec<String>>,
    pub category: Option<String>,
    pub language: Option<String>,
    pub content_labels: Option<Vec<String>>,
    pub visibility: Option<String>,
}

/// A field of [`Details`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the fields of `Details`")]
pub enum DetailField {
    Title,
    Description,
    Tags,
    Category,
    Language,
    ContentLabels,
    Visibility,
}

/// A field cannot be taken as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct InvalidDetail {
    /// Which one.
    pub field: DetailField,
    /// What was sent and what the limit is, without the text itself.
    pub sentence: String,
}

impl DetailsForm {
    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The details that it describes, where fields that were not sent are those of `base`.
    pub fn over(self, base: Details, categories: &Categories) -> Result<Details, InvalidDetail> {
        let Self { title, description, tags, category, language, content_labels, visibility } = self;
        Ok(Details {
            title: match title {
                Some(sent) => text(DetailField::Title, "title", &sent, false, MAX_TITLE)?,
                None => base.title,
            },
            description: match description {
                Some(sent) => text(DetailField::Description, "description", &sent, true, MAX_DESCRIPTION)?,
                None => base.description,
            },
            tags: tags.map_or(Ok(base.tags), |sent| read_tags(&sent))?,
            category: category.map_or(Ok(base.category), |sent| read_category(&sent, categories))?,
            language: language.map_or(Ok(base.language), |sent| read_language(&sent))?,
            content_labels: content_labels.map_or(Ok(base.content_labels), |sent| read_labels(&sent))?,
            visibility: visibility.map_or(Ok(base.visibility), |sent| read_visibility(&sent))?,
        })
    }
}

fn invalid(field: DetailField, sentence: impl Into<String>) -> InvalidDetail {
    InvalidDetail { field, sentence: sentence.into() }
}

fn text(
    field: DetailField,
    name: &str,
    sent: &str,
    lines: bool,
    max: usize,
) -> Result<Option<String>, InvalidDetail> {
    normalized(sent, lines, max).map_err(|unfit| invalid(field, unfit.sentence(name, max)))
}

/// A tag as it is shown; `None` if it has anything but letters with their marks, digits and hyphens.
pub(super) fn tag(sent: &str) -> Option<String> {
    let tag: String = sent.trim().nfc().collect();
    let fits = |found: char| found.is_alphanumeric() || found == '-' || is_combining_mark(found);
    let length = tag.chars().count();
    let is_fit = (1..=MAX_TAG).contains(&length) && tag.chars().all(fits);
    (is_fit && tag.chars().any(char::is_alphanumeric)).then_some(tag)
}

/// What tags are compared by.
pub(super) fn folded(tag: &str) -> String {
    tag.to_lowercase().nfc().collect()
}

fn read_tags(sent: &[String]) -> Result<Vec<String>, InvalidDetail> {
    let field = DetailField::Tags;
    if sent.len() > MAX_TAGS {
        return Err(invalid(field, format!("tags: {} of them, at most {MAX_TAGS}", sent.len())));
    }
    let mut tags: Vec<String> = Vec::new();
    for (place, sent) in sent.iter().enumerate() {
        let tag = tag(sent).ok_or_else(|| {
            let rule = format!("must be 1 to {MAX_TAG} letters, digits or hyphens");
            invalid(
                field,
                format!("tags: number {} has {} characters and {rule}", place + 1, sent.chars().count()),
            )
        })?;
        if let Some(same) = tags.iter().position(|other| folded(other) == folded(&tag)) {
            return Err(invalid(
                field,
                format!("tags: number {} is the same as number {}", place + 1, same + 1),
            ));
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn read_category(sent: &str, categories: &Categories) -> Result<Option<String>, InvalidDetail> {
    match sent.trim() {
        "" => Ok(None),
        slug if categories.has(slug) => Ok(Some(slug.to_owned())),
        _ => Err(invalid(
            DetailField::Category,
            "category: is none of the slugs that `GET /api/categories` lists",
        )),
    }
}

/// A language as it is kept; `None` if it is not well-formed.
pub(super) fn language(sent: &str) -> Option<String> {
    let tag = LanguageTag::parse_and_normalize(sent.trim()).ok()?;
    (tag.as_str().len() <= MAX_LANGUAGE).then(|| tag.into_inner())
}

fn read_language(sent: &str) -> Result<Option<String>, InvalidDetail> {
    if sent.trim().is_empty() {
        return Ok(None);
    }
    language(sent).map(Some).ok_or_else(|| {
        let rule = format!("must be a BCP 47 tag such as en or pt-BR, of at most {MAX_LANGUAGE} characters");
        invalid(DetailField::Language, format!("language: {rule}"))
    })
}

fn read_labels(sent: &[String]) -> Result<Vec<ContentLabel>, InvalidDetail> {
    let field = DetailField::ContentLabels;
    let mut labels = Vec::new();
    for (place, word) in sent.iter().enumerate() {
        let label = ContentLabel::parse(word.trim()).ok_or_else(|| {
            let known = ContentLabel::ALL.map(ContentLabel::as_str).join(", ");
            invalid(field, format!("content_labels: number {} is none of {known}", place + 1))
        })?;
        if labels.contains(&label) {
            return Err(invalid(field, format!("content_labels: {} is there twice", label.as_str())));
        }
        labels.push(label);
    }
    Ok(labels)
}

fn read_visibility(sent: &str) -> Result<Visibility, InvalidDetail> {
    let rule = "visibility: must be public or unlisted";
    Visibility::parse(sent.trim()).ok_or_else(|| invalid(DetailField::Visibility, rule))
}
