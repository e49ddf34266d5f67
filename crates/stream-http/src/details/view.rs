//! Details as clients see them.

use serde::Serialize;
use stream_domain::Details;
use stream_domain::details::{ContentLabel, Visibility};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::schemas::words;

/// A stream of which nothing is said.
static NOTHING: Details = Details {
    title: None,
    description: None,
    tags: Vec::new(),
    category: None,
    language: None,
    content_labels: Vec::new(),
    visibility: Visibility::Public,
};

/// What lists show of a stream's details.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedDetails)]
pub(crate) struct DetailsView<'a> {
    /// The stream's title; text, never HTML.
    #[schema(required, max_length = 140)]
    title: Option<&'a str>,
    /// As its owner gave them.
    #[schema(max_items = 10)]
    tags: &'a [String],
    /// The slug of its category; one that the operator has removed since is still shown.
    #[schema(required, max_length = 32)]
    category: Option<&'a str>,
    /// A BCP 47 tag.
    #[schema(required, max_length = 35)]
    language: Option<&'a str>,
    /// What viewers are warned of: some of `mature`, `drugs`, `gambling`, `violence`, `language` and `sexual`.
    #[schema(max_items = 6)]
    content_labels: Vec<&'static str>,
    #[schema(schema_with = visibility)]
    visibility: &'static str,
}

/// The words of `visibility`.
fn visibility() -> Object {
    words(
        "Who finds the stream: everybody in lists, or only who has its playback id.",
        Visibility::ALL.map(Visibility::as_str),
    )
}

/// All details of a stream, or of a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Details)]
pub(crate) struct FullDetailsView<'a> {
    #[serde(flatten)]
    listed: DetailsView<'a>,
    /// Text with line feeds, never HTML.
    #[schema(required, max_length = 5_000)]
    description: Option<&'a str>,
}

impl<'a> DetailsView<'a> {
    /// Those of a stream, or of one of which nothing is said.
    pub(crate) fn of(details: Option<&'a Details>) -> Self {
        let details = details.unwrap_or(&NOTHING);
        Self {
            title: details.title.as_deref(),
            tags: &details.tags,
            category: details.category.as_deref(),
            language: details.language.as_deref(),
            content_labels: details
                .content_labels
                .iter()
                .map(|label: &ContentLabel| label.as_str())
                .collect(),
            visibility: details.visibility.as_str(),
        }
    }
}

impl<'a> From<&'a Details> for FullDetailsView<'a> {
    fn from(details: &'a Details) -> Self {
        Self { listed: DetailsView::of(Some(details)), description: details.description.as_deref() }
    }
}
