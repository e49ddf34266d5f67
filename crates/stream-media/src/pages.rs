//! Lists that come in pages: read within bounds, and with an answer to whether anybody can have been missed.

use std::collections::HashSet;
use std::time::Duration;

use stream_domain::ports::MediaServerError;
use tokio::time::{Instant, timeout_at};

/// How many entries are asked for at once.
pub(crate) const PAGE: usize = 1_000;

/// How many pages are read at most.
const MOST_PAGES: usize = 30;

/// How many bytes are read at most, over all pages.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long reading a list may take, over all pages.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many entries of the page before a page repeats, to show that nobody slipped between the two.
const OVERLAP: usize = 50;

/// One page.
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<T>,
    /// How long its text was.
    pub(crate) bytes: usize,
}

/// What was read of a list.
pub(crate) struct Read<T> {
    pub(crate) entries: Vec<T>,
    /// Whether it is all of the list: not cut by a bound, and without a gap between pages.
    pub(crate) is_whole: bool,
}

/// What is left of the bounds.
pub(crate) struct Budget {
    until: Instant,
    pages: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { until: Instant::now() + PATIENCE, pages: MOST_PAGES, bytes: MOST_BYTES }
    }

    /// The next page; `None` if a bound was met, or a page after the first one could not be read.
    pub(crate) async fn read<T>(
        &mut self,
        page: impl Future<Output = Result<Page<T>, MediaServerError>>,
    ) -> Result<Option<Vec<T>>, MediaServerError> {
        let is_first = self.pages == MOST_PAGES;
        if self.pages == 0 || self.bytes == 0 {
            return Ok(None);
        }
        self.pages -= 1;
        match timeout_at(self.until, page).await {
            Ok(Ok(page)) => {
                self.bytes = self.bytes.saturating_sub(page.bytes);
                Ok(Some(page.entries))
            }
            Ok(Err(error)) if is_first => Err(error),
            Err(late) if is_first => Err(MediaServerError::Unreachable(late.into())),
            // What was read so far is still true.
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }
}

/// Reads a list by offsets: while there is a [`ByOffset::start`], a page from there is to be [added](ByOffset::add).
///
/// While it is read, entries come and go, which moves those behind them.
/// So each page begins within the one before, and one that has nothing in common with that shows a gap.
/// A server that does not know offsets answers the same again and again, and is asked no further.
pub(crate) struct ByOffset<T> {
    budget: Budget,
    read: Read<T>,
    id: fn(&T) -> &str,
    seen: HashSet<String>,
    /// What the page before had.
    before: HashSet<String>,
    start: Option<usize>,
}

impl<T> ByOffset<T> {
    pub(crate) fn new(id: fn(&T) -> &str) -> Self {
        let read = Read { entries: Vec::new(), is_whole: true };
        let (seen, before) = (HashSet::new(), HashSet::new());
        Self { budget: Budget::new(), read, id, seen, before, start: Some(0) }
    }

    /// Where the next page begins, if there is to be one.
    pub(crate) fn start(&self) -> Option<usize> {
        self.start
    }

    /// Adds the page from [`Self::start`] on.
    pub(crate) async fn add(
        &mut self,
        page: impl Future<Output = Result<Page<T>, MediaServerError>>,
    ) -> Result<(), MediaServerError> {
        let Some(start) = self.start.take() else { return Ok(()) };
        let Some(page) = self.budget.read(page).await? else {
            self.read.is_whole = false;
            return Ok(());
        };
        let ids: HashSet<String> = page.iter().map(|entry| (self.id)(entry).to_owned()).collect();
        let (length, known) = (page.len(), self.seen.len());
        self.read.is_whole &= start == 0 || !self.before.is_disjoint(&ids);
        self.read
            .entries
            .extend(page.into_iter().filter(|entry| self.seen.insert((self.id)(entry).to_owned())));
        // Fewer than were asked for are the last; a server that gives more gives everything.
        if length == PAGE {
            let is_news = self.seen.len() > known;
            self.read.is_whole &= is_news;
            self.start = is_news.then_some(start + PAGE - OVERLAP);
        }
        self.before = ids;
        Ok(())
    }

    pub(crate) fn into_read(self) -> Read<T> {
        self.read
    }
}

#[cfg(test)]
mod tests;
