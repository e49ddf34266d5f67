//! Pages of a list, newest first, that neither skip nor repeat while streams come and go.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::details::Details;
use crate::{Stream, StreamId, Timestamp};

/// Which part of a list is wanted; the default is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PageRequest {
    /// At most so many streams; `None` for all.
    pub limit: Option<NonZeroU32>,
    /// Only what stands behind this place.
    pub after: Option<Position>,
}

/// A place in a list that is ordered by creation, newest first, and by number among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// When the stream at this place was made.
    pub created_at: Timestamp,
    /// Its number.
    pub id: StreamId,
}

impl From<&Stream> for Position {
    fn from(stream: &Stream) -> Self {
        Self { created_at: stream.created_at, id: stream.id }
    }
}

/// A row of a list as a store reads it.
#[derive(Debug, Clone)]
pub struct ListRow {
    /// Its place.
    pub position: Position,
    /// The stream; `None` if it cannot be read.
    pub stream: Option<Stream>,
    /// What its owner says of it, without the description.
    pub details: Option<Details>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamPage {
    /// The streams, newest first.
    pub streams: Vec<Stream>,
    /// What their owners say of them, without descriptions; a stream of which nothing is said may have no entry.
    pub details: BTreeMap<StreamId, Details>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Position>,
}

impl PageRequest {
    /// Up to so many streams a store reads a page once for all requests that wait; it reads longer ones one by one.
    pub const LARGEST_SHARED: u32 = 250;

    /// Whether the store reads this page once for all requests that wait: see [`Self::LARGEST_SHARED`].
    pub fn is_shared(&self) -> bool {
        self.limit.is_some_and(|limit| limit.get() <= Self::LARGEST_SHARED)
    }

    /// How many rows to read: one more than wanted tells whether there is a next page.
    pub fn rows_to_read(&self) -> Option<i64> {
        self.limit.map(|limit| i64::from(limit.get()) + 1)
    }

    /// Makes a page of the rows that [`PageRequest::rows_to_read`] asked for, each with its place, and what is said of
    /// its stream.
    ///
    /// A row that could not be read (`None`) is left out, but counts, so that it never hides what stands behind it.
    pub fn page_of(&self, mut rows: Vec<ListRow>) -> StreamPage {
        let wanted = self.limit.map_or(usize::MAX, |limit| limit.get() as usize);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = rows.last().filter(|_| more).map(|row| row.position);
        let mut page = StreamPage { next, ..StreamPage::default() };
        for ListRow { stream, details, .. } in rows {
            let Some(stream) = stream else { continue };
            page.details.extend(details.map(|details| (stream.id, details)));
            page.streams.push(stream);
        }
        page
    }
}
