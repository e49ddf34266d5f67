//! Reads that many request at once: lookups, and pages of the public lists.
//!
//! Requests that arrive during a query share the next one, so a response is what the database says after its request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_coalesce::{BatchError, BatchRead, Batcher, Limits, ReadValue, SharedValues, Usage};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{SharedReadUsage, StoreError};
use stream_domain::{Details, PlaybackId, Stream, StreamId, StreamKey, StreamPage, Timestamp};
use stream_spans::{query, traced};
use tokio::runtime::Handle;

use crate::details_row;
use crate::error::{self, too_slow};
use crate::lists::read_public_page;
use crate::pool::Connections;
use crate::row::{StreamRow, streams};
use crate::schema::SYSTEM;

/// A second's worth of requests waits for less than a second; a batch is one statement.
const LIMITS: Limits =
    Limits { max_waiting: 8_192, max_batch: 256, slow_after: Duration::from_millis(100), max_slow: 1 };

/// What a stream is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lookup {
    Key(StreamKey),
    PlaybackId(PlaybackId),
}

/// Lookups and pages, each read by one query after the other.
#[derive(Clone)]
pub(crate) struct CoalescedReads {
    lookups: Batcher<LookupRead>,
    pages: Batcher<SharedValues<PageRead>>,
    details: Batcher<DetailsRead>,
    timeout: Duration,
}

impl CoalescedReads {
    /// Reads on this runtime; a caller waits until the time-out.
    pub(crate) fn new(connections: &Connections, timeout: Duration, runtime: &Handle) -> Self {
        let pages = SharedValues::new(PageRead(connections.clone()));
        Self {
            lookups: Batcher::on(runtime.clone(), LookupRead(connections.clone()), LIMITS),
            pages: Batcher::on(runtime.clone(), pages, LIMITS),
            details: Batcher::on(runtime.clone(), DetailsRead(connections.clone()), LIMITS),
            timeout,
        }
    }

    /// The stream as the database has it after this call.
    pub(crate) async fn look_up(&self, lookup: Lookup) -> Result<Option<Stream>, StoreError> {
        self.in_time("look_up", self.lookups.submit(lookup)).await?
    }

    /// A page of at most [`PageRequest::LARGEST_SHARED`](stream_domain::PageRequest::LARGEST_SHARED) streams as the database has it after this call.
    pub(crate) async fn page(
        &self,
        query: CatalogQuery,
        now: Timestamp,
    ) -> Result<Arc<StreamPage>, StoreError> {
        self.in_time("page", self.pages.submit((query, now))).await
    }

    /// What is said of a stream, as it is after this call.
    pub(crate) async fn details_of(&self, stream: StreamId) -> Result<Details, StoreError> {
        self.in_time("details_of", self.details.submit(stream)).await
    }

    /// What each has done so far.
    pub(crate) fn usage(&self) -> Vec<SharedReadUsage> {
        let of =
            |name, Usage { reads, requests, waiting }| SharedReadUsage { name, reads, requests, waiting };
        vec![
            of("lookups", self.lookups.usage()),
            of("pages", self.pages.usage()),
            of("details", self.details.usage()),
        ]
    }

    /// A page that was read alone: the same `Arc` as before while nothing in it has changed.
    pub(crate) fn share(&self, query: CatalogQuery, page: StreamPage) -> Arc<StreamPage> {
        self.pages.read().share(query, page)
    }

    async fn in_time<T>(
        &self,
        operation: &'static str,
        submitted: impl Future<Output = Result<T, BatchError<Arc<StoreError>>>>,
    ) -> Result<T, StoreError> {
        let submitted = traced(query(SYSTEM, operation), submitted);
        let response = tokio::time::timeout(self.timeout, submitted).await.map_err(|_elapsed| too_slow())?;
        response.map_err(|error| match error {
            BatchError::Failed(shared) => shared.duplicate(),
            BatchError::Full | BatchError::Abandoned => StoreError::unavailable(error.to_string()),
        })
    }
}

struct LookupRead(Connections);

impl BatchRead for LookupRead {
    type Request = Lookup;
    /// A row that cannot be read fails its own lookups only.
    type Response = Result<Option<Stream>, StoreError>;
    type Error = Arc<StoreError>;

    async fn read(&self, lookups: Vec<Lookup>) -> Result<Vec<Self::Response>, Arc<StoreError>> {
        let (mut keys, mut ids) = (Vec::new(), Vec::new());
        lookups.iter().for_each(|lookup| match lookup {
            Lookup::Key(key) => keys.push(key.expose().to_owned()),
            Lookup::PlaybackId(id) => ids.push(id.as_str().to_owned()),
        });
        let rows = self.0.run(move |connection| async move { rows(connection, &keys, &ids).await }.boxed());
        let (with_keys, with_ids) = rows.await.map_err(Arc::new)?;
        let by_key: HashMap<&str, &StreamRow> = with_keys.iter().map(|row| (row.key(), row)).collect();
        let by_id: HashMap<Option<&str>, &StreamRow> =
            with_ids.iter().map(|row| (row.playback_id(), row)).collect();
        let found = lookups.iter().map(|lookup| match lookup {
            Lookup::Key(key) => by_key.get(key.expose()),
            Lookup::PlaybackId(id) => by_id.get(&Some(id.as_str())),
        });
        Ok(found.map(|row| row.map(|row| Stream::try_from((*row).clone())).transpose()).collect())
    }
}

/// The rows with these keys, and those with these playback ids: one statement for each kind that is asked for.
async fn rows(
    connection: &mut AsyncPgConnection,
    keys: &[String],
    ids: &[String],
) -> Result<(Vec<StreamRow>, Vec<StreamRow>), StoreError> {
    let (mut with_keys, mut with_ids) = (Vec::new(), Vec::new());
    let rows = streams::table.select(StreamRow::as_select());
    if !keys.is_empty() {
        with_keys =
            rows.filter(streams::stream_key.eq_any(keys)).load(connection).await.map_err(error::query)?;
    }
    if !ids.is_empty() {
        with_ids =
            rows.filter(streams::playback_id.eq_any(ids)).load(connection).await.map_err(error::query)?;
    }
    Ok((with_keys, with_ids))
}

struct DetailsRead(Connections);

impl BatchRead for DetailsRead {
    type Request = StreamId;
    type Response = Details;
    type Error = Arc<StoreError>;

    async fn read(&self, streams: Vec<StreamId>) -> Result<Vec<Details>, Arc<StoreError>> {
        let ids: Vec<i32> = streams.iter().map(|stream| stream.0).collect();
        let read =
            self.0.run(move |connection| async move { details_row::read(connection, &ids).await }.boxed());
        let found = read.await.map_err(Arc::new)?;
        Ok(streams.iter().map(|stream| found.get(stream).cloned().unwrap_or_default()).collect())
    }
}

struct PageRead(Connections);

impl ReadValue for PageRead {
    type Key = CatalogQuery;
    type Time = Timestamp;
    type Value = StreamPage;
    type Error = Arc<StoreError>;

    async fn read_value(&self, query: CatalogQuery, now: Timestamp) -> Result<StreamPage, Arc<StoreError>> {
        let page = self
            .0
            .run(move |connection| async move { read_public_page(connection, &query, now).await }.boxed());
        page.await.map_err(Arc::new)
    }
}
