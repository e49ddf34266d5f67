//! Details as clients send them: JSON, read whole and strictly.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use stream_domain::ScheduleId;
use stream_domain::details::{ContentLabel, DetailsForm, MAX_TAGS, Visibility};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Array, ArrayBuilder, Object, SchemaFormat, Type};

use crate::body::{LARGE, SMALL, read};
use crate::error::{ApiError, ErrorCode};
use crate::schemas::{words, words_or_null};

/// The most characters of what is told of a body that cannot be read.
const MAX_REASON: usize = 200;

/// Details; a field that is absent or `null` was not sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = DetailsForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct DetailsBody {
    /// A line of at most 140 characters, in NFC and without blanks around it; empty for none.
    #[schema(format = "title")]
    title: Option<String>,
    /// At most 5,000 characters, with line feeds; empty for none.
    #[schema(format = "description")]
    description: Option<String>,
    #[schema(schema_with = tags)]
    tags: Option<Vec<String>>,
    /// A slug that `GET /api/categories` lists; empty for none.
    #[schema(format = "category")]
    category: Option<String>,
    /// A well-formed BCP 47 tag of at most 35 characters; empty for none.
    #[schema(format = "language")]
    language: Option<String>,
    #[schema(schema_with = content_labels)]
    content_labels: Option<Vec<String>>,
    /// `public`, or `unlisted`: in no list, and found by its playback id alone.
    #[schema(schema_with = visibility)]
    visibility: Option<String>,
}

/// The schema of `tags`.
fn tags() -> Array {
    let tag =
        Object::builder().schema_type(Type::String).format(Some(SchemaFormat::Custom("tag".to_owned())));
    let description = "At most ten, each 1 to 25 letters, digits or hyphens, no two alike in lower case; `null` or nothing for none.";
    list_or_null(tag.build(), MAX_TAGS, description)
}

/// The schema of `content_labels`.
fn content_labels() -> Array {
    let label = words("What viewers are warned of.", ContentLabel::ALL.map(ContentLabel::as_str));
    list_or_null(label, ContentLabel::ALL.len(), "Each at most once; `null` or nothing for none.")
}

fn list_or_null(items: Object, most: usize, description: &str) -> Array {
    let kinds = SchemaType::Array(vec![Type::Array, Type::Null]);
    let list = ArrayBuilder::new().schema_type(kinds).items(items).max_items(Some(most)).unique_items(true);
    list.description(Some(description)).build()
}

/// The words of `visibility`.
fn visibility() -> Object {
    words_or_null(
        "Who finds the stream: everybody in lists, or only who has its playback id; `null` for `public`.",
        Visibility::ALL.map(Visibility::as_str),
    )
}

impl From<DetailsBody> for DetailsForm {
    fn from(body: DetailsBody) -> Self {
        let DetailsBody { title, description, tags, category, language, content_labels, visibility } = body;
        Self { title, description, tags, category, language, content_labels, visibility }
    }
}

/// Reads a body that must be a JSON object of this form.
pub(crate) fn parse<B: DeserializeOwned>(json: &[u8]) -> Result<B, ApiError> {
    serde_json::from_slice(json).map_err(|error| {
        let reason: String = error.to_string().chars().take(MAX_REASON).collect();
        let sentence = format!("{} This one cannot be read: {reason}", ErrorCode::InvalidBody.sentence());
        ApiError::new(ErrorCode::InvalidBody, sentence)
    })
}

/// A body that must be there, whatever its content type.
impl FromRequest for DetailsBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, LARGE);
        Box::pin(async { parse(&body.await?) })
    }
}

/// What a request for a key may say of its stream.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewStreamForm)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewStreamForm {
    /// The number of the caller's schedule that begins; without it, the one that is current, if any.
    #[schema(minimum = 1)]
    #[serde(default, deserialize_with = "whole_number")]
    schedule_id: Option<i64>,
    #[serde(flatten)]
    details: DetailsBody,
}

/// The same, if the request says that its body is JSON.
///
/// Any other body is read and ignored, as it was before there were details.
#[derive(Debug, Default)]
pub(crate) struct NewStreamBody(pub(crate) NewStreamForm);

/// Reads a whole number, which JSON may write as `5.0`.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let written_with_point =
        || number.as_f64().filter(|number| number.fract() == 0.0)?.to_string().parse().ok();
    let whole = number.as_i64().or_else(written_with_point);
    whole.map(Some).ok_or_else(|| D::Error::custom(format_args!("`{number}` is no whole number")))
}

impl NewStreamForm {
    /// The schedule that is named, and what is said.
    pub(crate) fn into_parts(self) -> (Option<ScheduleId>, DetailsForm) {
        (self.schedule_id.map(ScheduleId), self.details.into())
    }
}

impl FromRequest for NewStreamBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.content_type();
        let is_json = content_type.eq_ignore_ascii_case("application/json");
        let body = read(request, payload, if is_json { LARGE } else { SMALL });
        Box::pin(async move {
            let body = body.await?;
            if !is_json || body.trim_ascii().is_empty() || body.trim_ascii() == b"null" {
                return Ok(Self::default());
            }
            parse(&body).map(Self)
        })
    }
}
