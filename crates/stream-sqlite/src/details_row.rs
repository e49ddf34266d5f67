//! Rows of details, and how they become [`Details`].

use std::collections::HashMap;

use diesel::prelude::*;
use stream_domain::details::StoredDetails;
use stream_domain::ports::StoreError;
use stream_domain::{Details, StreamId};

use crate::error;
use crate::schema::stream_details;

/// The columns that are details.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = stream_details)]
pub(crate) struct DetailsRow {
    title: Option<String>,
    description: Option<String>,
    tags: String,
    category: Option<String>,
    language: Option<String>,
    content_labels: String,
    visibility: String,
}

/// The conversions of a row with the columns of details.
macro_rules! converts {
    ($row:ident) => {
        impl From<$row> for StoredDetails {
            fn from(row: $row) -> Self {
                let $row { title, description, tags, category, language, content_labels, visibility } = row;
                Self { title, description, tags, category, language, content_labels, visibility }
            }
        }

        impl From<StoredDetails> for $row {
            fn from(row: StoredDetails) -> Self {
                let StoredDetails {
                    title,
                    description,
                    tags,
                    category,
                    language,
                    content_labels,
                    visibility,
                } = row;
                Self { title, description, tags, category, language, content_labels, visibility }
            }
        }
    };
}

pub(crate) use converts;

converts!(DetailsRow);

/// What is said of these streams; those of which nothing is said are missing.
pub(crate) fn read(
    connection: &mut SqliteConnection,
    streams: &[i32],
) -> Result<HashMap<StreamId, Details>, StoreError> {
    // One by one, by a statement that is prepared once; in SQLite that is no round trip.
    let mut found = HashMap::new();
    for id in streams {
        let row = stream_details::table.find(id).select(DetailsRow::as_select()).first(connection);
        if let Some(row) = row.optional().map_err(error::query)? {
            found.insert(StreamId(*id), StoredDetails::from(row).into());
        }
    }
    Ok(found)
}

/// The terms as a JSON array; none has a character that JSON would write otherwise.
pub(crate) fn stored_terms(details: &Details) -> String {
    let terms: Vec<String> = details.terms().iter().map(|term| format!("\"{term}\"")).collect();
    format!("[{}]", terms.join(","))
}
