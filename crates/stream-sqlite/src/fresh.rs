//! Reads that many ask for at once: lookups, and pages of the lists that everybody may see.
//!
//! Whatever was asked about while a transaction was under way is read by the next one.
//! And what a connection has read before is read again only if the file has changed since, which SQLite tells by a number.
//! So an answer is always what the database says after it was asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use stream_coalesce::{Known, Lane, Lanes, Limits, Source, Unanswered};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::StoreError;
use stream_domain::{PlaybackId, Position, Stream, StreamKey, StreamPage, Timestamp};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::lists::{at, page_of};
use crate::readers::{Moment, Readers};
use crate::row::{StreamRow, placed};
use crate::schema::streams;
use crate::{SqliteStore, too_slow};

/// How many callers may wait on a lane; a second's worth of answers waits for less than a second.
const WAITING: usize = 8_192;

/// How many questions are read at once.
const AT_ONCE: usize = 256;

/// After how long a reading no longer keeps the next one from beginning.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many readings of a lane may take longer than that at once.
const SPARE: usize = 1;

/// How many streams a connection knows, those on pages included.
const KNOWN: usize = 8_192;

/// The largest page that is read here; larger ones would keep lookups waiting.
pub(crate) const LARGEST_PAGE: u32 = 250;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Key(StreamKey),
    PlaybackId(PlaybackId),
    /// A page of at most [`LARGEST_PAGE`] streams.
    Page(CatalogQuery),
}

/// A subject, and for a page the time at which the list is asked for.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) subject: Subject,
    pub(crate) now: Option<Timestamp>,
}

/// What is answered; about a page, a page.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Stream(Option<Stream>),
    Page(Arc<StreamPage>),
}

/// Reads for many callers at once.
#[derive(Clone)]
pub(crate) struct Fresh(Lanes<FreshSource>);

impl Fresh {
    /// A lane for each core.
    pub(crate) fn new(path: &Path, limit: Duration, runtime: &Handle) -> Self {
        let lane = |_| {
            let limits = Limits { waiting: WAITING, at_once: AT_ONCE, patience: PATIENCE, overdue: SPARE };
            Lane::new(FreshSource(Readers::new(path, limit, runtime)), limits)
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Lanes::new((0..cores).map(lane).collect()))
    }

    /// Closes what is idle, and the rest when its reading ends.
    pub(crate) fn close(&self) {
        self.0.iter().for_each(|lane| lane.source().0.close());
    }
}

impl SqliteStore {
    /// Answers as the database is after this call.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, StoreError> {
        match timeout(self.timeout, self.fresh.0.ask(question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Unanswered::Failed(shared))) => Err(shared.duplicate()),
            Ok(Err(why)) => Err(StoreError::unavailable(why.to_string())),
            Err(_elapsed) => Err(too_slow()),
        }
    }
}

struct FreshSource(Readers<Memory>);

impl Source for FreshSource {
    type Question = Question;
    type Answer = Answered;
    type Error = Arc<StoreError>;

    async fn answer(&self, asked: Vec<Question>) -> Result<Vec<Answered>, Arc<StoreError>> {
        let answers = self.0.read(move |connection, memory, moment| {
            memory.0.is_now(Some(moment));
            let mut reading = Reading { connection, memory };
            asked.into_iter().map(|question| reading.answer(question)).collect()
        });
        answers.await.map_err(Arc::new)
    }
}

/// What a connection has read at one version of the file.
struct Memory(Known<Moment, Subject, Remembered>);

enum Remembered {
    Stream(Stream),
    /// A page, and the time through which it stays as it is while nobody writes.
    Page {
        page: Arc<StreamPage>,
        from: Timestamp,
        until: Timestamp,
    },
}

impl Default for Memory {
    fn default() -> Self {
        Self(Known::new(KNOWN))
    }
}

impl Memory {
    fn get(&mut self, question: &Question) -> Option<Answer> {
        match self.0.get(&question.subject)? {
            Remembered::Stream(stream) => Some(Answer::Stream(Some(stream.clone()))),
            Remembered::Page { page, from, until } => {
                let holds = question.now.is_some_and(|now| *from <= now && now < *until);
                holds.then(|| Answer::Page(page.clone()))
            }
        }
    }
}

type Answered = Result<Answer, StoreError>;

/// One reading, in one transaction.
struct Reading<'c> {
    connection: &'c mut SqliteConnection,
    memory: &'c mut Memory,
}

impl Reading<'_> {
    fn answer(&mut self, question: Question) -> QueryResult<Answered> {
        if let Some(known) = self.memory.get(&question) {
            return Ok(Ok(known));
        }
        match question {
            Question { subject: Subject::Page(query), now } => {
                let page = self.read_page(&query, now.unwrap_or(Timestamp::MIN))?;
                Ok(Ok(Answer::Page(page)))
            }
            Question { subject, .. } => Ok(self.read_stream(subject)?.map(Answer::Stream)),
        }
    }

    fn read_stream(&mut self, subject: Subject) -> QueryResult<Result<Option<Stream>, StoreError>> {
        let row: QueryResult<StreamRow> = match &subject {
            Subject::Key(key) => streams::table
                .filter(streams::stream_key.eq(key.expose()))
                .select(StreamRow::as_select())
                .first(self.connection),
            Subject::PlaybackId(id) => streams::table
                .filter(streams::playback_id.eq(id.as_str()))
                .select(StreamRow::as_select())
                .first(self.connection),
            Subject::Page(..) => return Ok(Ok(None)),
        };
        let stream = row.optional()?.map(Stream::try_from).transpose();
        if let Ok(Some(stream)) = &stream {
            self.memory.0.learn(subject, Remembered::Stream(stream.clone()), 1);
        }
        Ok(stream)
    }

    fn read_page(&mut self, query: &CatalogQuery, now: Timestamp) -> QueryResult<Arc<StreamPage>> {
        let rows: Vec<StreamRow> = page_of(at(query.filter, now), &query.page)
            .select(StreamRow::as_select())
            .load(self.connection)?;
        let rows = placed(rows);
        let until = unchanged_until(now, &rows);
        let read = Arc::new(query.page.page_of(rows));
        if let Some(until) = until {
            let remembered = Remembered::Page { page: read.clone(), from: now, until };
            self.memory.0.learn(Subject::Page(*query), remembered, read.streams.len());
        }
        Ok(read)
    }
}

/// When time alone will change these rows, or which they are; `None` if that cannot be told.
///
/// The first to change leaves the list, or shows otherwise in it, and nobody comes by time alone.
fn unchanged_until(now: Timestamp, rows: &[(Position, Option<Stream>)]) -> Option<Timestamp> {
    let mut ends = rows.iter().map(|(_, stream)| stream.as_ref().map(|stream| stream.unchanged_until(now)));
    ends.try_fold(Timestamp::MAX, |first, end| Some(first.min(end?)))
}
