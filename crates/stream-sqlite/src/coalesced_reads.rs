//! Reads that many request at once: lookups, and pages of the public lists.
//!
//! Requests that arrive during a transaction share the next one, so a response is what the file has after its request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use stream_coalesce::{BatchError, BatchRead, Batcher, Interner, Limits};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::StoreError;
use stream_domain::{PlaybackId, Stream, StreamKey, StreamPage, Timestamp};
use tokio::runtime::Handle;

use crate::error::{self, too_slow};
use crate::lists::{at, read_page};
use crate::pool::Connections;
use crate::row::StreamRow;
use crate::schema::streams;

/// A second's worth of requests waits for less than a second; a batch is one transaction.
const LIMITS: Limits =
    Limits { max_waiting: 8_192, max_batch: 256, slow_after: Duration::from_millis(100), max_slow: 1 };

/// The largest page that requests share a read of; a larger one would delay smaller ones.
pub(crate) const LARGEST_PAGE: u32 = 250;

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
    pages: Batcher<PageRead>,
    /// The pages that are in use.
    pub(crate) in_use: Arc<Interner<CatalogQuery, StreamPage>>,
    timeout: Duration,
}

impl CoalescedReads {
    /// Reads on this runtime; a caller waits until the time-out.
    pub(crate) fn new(connections: &Connections, timeout: Duration, runtime: &Handle) -> Self {
        let in_use = Arc::<Interner<_, _>>::default();
        let pages = PageRead { connections: connections.clone(), in_use: in_use.clone() };
        Self {
            lookups: Batcher::on(runtime.clone(), LookupRead(connections.clone()), LIMITS),
            pages: Batcher::on(runtime.clone(), pages, LIMITS),
            in_use,
            timeout,
        }
    }

    /// The stream as the file has it after this call.
    pub(crate) async fn look_up(&self, lookup: Lookup) -> Result<Option<Stream>, StoreError> {
        self.in_time(self.lookups.submit(lookup)).await?
    }

    /// A page of at most [`LARGEST_PAGE`] streams as the file has it after this call.
    pub(crate) async fn page(
        &self,
        query: CatalogQuery,
        now: Timestamp,
    ) -> Result<Arc<StreamPage>, StoreError> {
        self.in_time(self.pages.submit((query, now))).await
    }

    async fn in_time<T>(
        &self,
        submitted: impl Future<Output = Result<T, BatchError<Arc<StoreError>>>>,
    ) -> Result<T, StoreError> {
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
    let row = match lookup {
        Lookup::Key(key) => rows.filter(streams::stream_key.eq(key.expose())).first(connection),
        Lookup::PlaybackId(id) => rows.filter(streams::playback_id.eq(id.as_str())).first(connection),
    };
    row.optional()
}

struct PageRead {
    connections: Connections,
    in_use: Arc<Interner<CatalogQuery, StreamPage>>,
}

impl BatchRead for PageRead {
    /// A page, and the time of the request.
    type Request = (CatalogQuery, Timestamp);
    type Response = Arc<StreamPage>;
    type Error = Arc<StoreError>;

    async fn read(&self, requests: Vec<Self::Request>) -> Result<Vec<Arc<StreamPage>>, Arc<StoreError>> {
        // Those who request the same page share it as it is at the last of their times.
        let mut times: HashMap<CatalogQuery, Timestamp> = HashMap::new();
        for (query, now) in &requests {
            times.entry(*query).and_modify(|time| *time = (*time).max(*now)).or_insert(*now);
        }
        let mut pages = HashMap::new();
        for (query, now) in times {
            let page = self
                .connections
                .run(move |connection| read_page(connection, at(query.filter, now), &query.page));
            pages.insert(query, self.in_use.intern(query, page.await.map_err(Arc::new)?));
        }
        Ok(requests.iter().map(|(query, _)| pages[query].clone()).collect())
    }
}
