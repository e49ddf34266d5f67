//! Rows of details, and how they become [`Details`].

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::details::StoredDetails;
use stream_domain::ports::StoreError;
use stream_domain::{Details, StreamId};

use crate::error;
use crate::schema::stream_details;

/// The columns that are details.
#[derive(Queryable, Selectable)]
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

impl From<DetailsRow> for StoredDetails {
    fn from(row: DetailsRow) -> Self {
        let DetailsRow { title, description, tags, category, language, content_labels, visibility } = row;
        Self { title, description, tags, category, language, content_labels, visibility }
    }
}

/// What is said of these streams; those of which nothing is said are missing.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    streams: &[i32],
) -> Result<HashMap<StreamId, Details>, StoreError> {
    let rows: Vec<(i32, DetailsRow)> = stream_details::table
        .filter(stream_details::stream_id.eq_any(streams))
        .select((stream_details::stream_id, DetailsRow::as_select()))
        .load(connection)
        .await
        .map_err(error::query)?;
    Ok(rows.into_iter().map(|(id, row)| (StreamId(id), StoredDetails::from(row).into())).collect())
}

/// The terms in one text, as the trigger takes them apart.
pub(crate) fn stored_terms(details: &Details) -> String {
    let terms: Vec<String> = details.terms().into_iter().collect();
    terms.join(" ")
}
