//! Reads that many request at once: lookups, and pages of the public lists.
//!
//! Requests that arrive during a transaction share the next one, so a response is what the file has after its request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
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

/// A second's worth of requests waits for less than a second; a batch is one transaction.
const LIMITS: Limits =
    Limits { max_waiting: 8_192, max_batch: 256, slow_after: Duration::from_millis(100), max_slow: 1 };

/// What a stream is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lookup {
    Key(StreamKey),
    PlaybackId(PlaybackId),
}

/// Lookups and pages, each read by one transaction after the other.
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

    /// The stream as the file has it after this call.
    pub(crate) async fn look_up(&self, lookup: Lookup) -> Result<Option<Stream>, StoreError> {
        self.in_time("look_up", self.lookups.submit(lookup)).await?
    }

    /// A page of at most [`PageRequest::LARGEST_SHARED`](stream_domain::PageRequest::LARGEST_SHARED) streams as the file has it after this call.
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
        let read = self.0.run(move |connection| {
            let read = connection.transaction(|connection| {
                let mut rows = HashMap::new();
                for lookup in &lookups {
                    if !rows.contains_key(lookup) {
                        rows.insert(lookup, row(connection, lookup)?);
                    }
                }
                let found = lookups.iter().map(|lookup| rows[lookup].clone());
                Ok(found.map(|row| row.map(Stream::try_from).transpose()).collect())
            });
            read.map_err(error::query)
        });
        read.await.map_err(Arc::new)
    }
}

fn row(connection: &mut SqliteConnection, lookup: &Lookup) -> QueryResult<Option<StreamRow>> {
    let rows = streams::table.select(StreamRow::as_select());
    // Not `first`: SQLite plans by the value of a bound LIMIT, and so prepares the statement anew for every execution.
    let row = match lookup {
        Lookup::Key(key) => rows.filter(streams::stream_key.eq(key.expose())).get_result(connection),
        Lookup::PlaybackId(id) => rows.filter(streams::playback_id.eq(id.as_str())).get_result(connection),
    };
    row.optional()
}

struct DetailsRead(Connections);

impl BatchRead for DetailsRead {
    type Request = StreamId;
    type Response = Details;
    type Error = Arc<StoreError>;

    async fn read(&self, streams: Vec<StreamId>) -> Result<Vec<Details>, Arc<StoreError>> {
        let ids: Vec<i32> = streams.iter().map(|stream| stream.0).collect();
        let read = self.0.run(move |connection| details_row::read(connection, &ids));
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
        let page = self.0.run(move |connection| read_public_page(connection, &query, now));
        page.await.map_err(Arc::new)
    }
}
