//! Reads that many ask for at once: lookups, and pages of the lists that everybody may see.
//!
//! Whatever was asked about while a query was under way is read by the next one.
//! And what a connection has read before is read again only if the database has changed since, which costs one short
//! question: the snapshot that a statement sees.
//! So an answer is always what the database says after it was asked for.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Pool;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_coalesce::{Known, Lane, Lanes, Limits, Source, Unanswered};
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::StoreError;
use stream_domain::{PlaybackId, Position, Stream, StreamKey, StreamPage, Timestamp};
use tokio::time::timeout;

use crate::lists::{at, page_of};
use crate::pool::{self, Connector, Links};
use crate::readers::Readers;
use crate::row::{StreamColumns, StreamRow, placed};
use crate::schema::Moment;
use crate::statement::{Parameter, Statement};
use crate::{PostgresStore, Share, error, too_slow};

/// How many callers may wait on a lane; a second's worth of answers waits for less than a second.
const WAITING: usize = 8_192;

/// How many questions are read at once.
const AT_ONCE: usize = 256;

/// After how long a reading no longer keeps the next one from beginning.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many streams a connection knows, those on pages included.
const KNOWN: usize = 8_192;

/// The largest page that is read here; larger ones would keep lookups waiting.
pub(crate) const LARGEST_PAGE: u32 = 250;

/// How many readings at most do without asking whether what is known still holds, once it has not.
const MOST_UNASKED: u32 = 63;

const BY_KEY: &str = include_str!("fresh/by_key.sql");
const BY_PLAYBACK_ID: &str = include_str!("fresh/by_playback_id.sql");

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
    /// Without a lane that has connections of its own, reads share the pool.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        reads: &Pool<Links>,
        limit: Duration,
        share: &Share,
    ) -> Self {
        let lane = |_| {
            let readers = Readers::new(connector, reads, limit, pool::PLAN_LOOKUPS, share.lanes > 0);
            let limits =
                Limits { waiting: WAITING, at_once: AT_ONCE, patience: PATIENCE, overdue: share.spare };
            Lane::new(FreshSource(readers), limits)
        };
        Self(Lanes::new((0..share.lanes.max(1)).map(lane).collect()))
    }

    /// Closes what is idle, and the rest when its reading ends.
    pub(crate) fn close(&self) {
        self.0.iter().for_each(|lane| lane.source().0.close());
    }
}

impl PostgresStore {
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
        let asked: Arc<[Question]> = asked.into();
        let answers = self.0.read(move |connection, memory| {
            async move { Reading { connection, memory }.answer(&asked).await }.boxed()
        });
        answers.await.map_err(Arc::new)
    }
}

/// What a connection has read at one snapshot.
struct Memory {
    known: Known<String, Subject, Remembered>,
    /// How many readings are still to do without asking whether it holds, and how many there were the last time.
    unasked: u32,
    last_unasked: u32,
}

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
        Self { known: Known::new(KNOWN), unasked: 0, last_unasked: 0 }
    }
}

impl Memory {
    fn get(&mut self, question: &Question) -> Option<Answer> {
        match self.known.get(&question.subject)? {
            Remembered::Stream(stream) => Some(Answer::Stream(Some(stream.clone()))),
            Remembered::Page { page, from, until } => {
                let holds = question.now.is_some_and(|now| *from <= now && now < *until);
                holds.then(|| Answer::Page(page.clone()))
            }
        }
    }

    /// Whether to ask if what is known still holds; where much is written, it mostly does not, and asking is in vain.
    fn is_worth_asking(&mut self) -> bool {
        self.unasked = self.unasked.saturating_sub(1);
        self.unasked == 0
    }

    /// Learns at which snapshot the database is, and whether what was known still holds.
    fn is_now(&mut self, moment: Option<String>) -> bool {
        let holds = self.known.is_now(moment);
        self.last_unasked = if holds { 0 } else { (self.last_unasked * 2 + 1).min(MOST_UNASKED) };
        self.unasked = self.last_unasked;
        holds
    }
}

type Answered = Result<Answer, StoreError>;

/// One reading, on one connection.
struct Reading<'c> {
    connection: &'c mut AsyncPgConnection,
    memory: &'c mut Memory,
}

impl Reading<'_> {
    /// Answers everything: from what is known, if that still holds, and by one statement for all keys, one for all
    /// playback ids, and one for each page.
    async fn answer(mut self, asked: &[Question]) -> Result<Vec<Answered>, StoreError> {
        let mut answers: Vec<Option<Answered>> =
            asked.iter().map(|question| self.memory.get(question).map(Ok)).collect();
        if answers.iter().any(Option::is_some)
            && !(self.memory.is_worth_asking() && self.still_holds().await?)
        {
            answers.fill_with(|| None);
        }
        let by_key = |subject: &Subject| match subject {
            Subject::Key(key) => Some(key.expose().to_owned()),
            _ => None,
        };
        self.read_streams(BY_KEY, asked, by_key, &mut answers).await?;
        let by_playback_id = |subject: &Subject| match subject {
            Subject::PlaybackId(id) => Some(id.as_str().to_owned()),
            _ => None,
        };
        self.read_streams(BY_PLAYBACK_ID, asked, by_playback_id, &mut answers).await?;
        for (question, answer) in asked.iter().zip(&mut answers) {
            if let (None, Subject::Page(query), Some(now)) = (&answer, &question.subject, question.now) {
                *answer = Some(Ok(Answer::Page(self.read_page(query, now).await?)));
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Ok(Answer::Stream(None)))).collect())
    }

    async fn still_holds(&mut self) -> Result<bool, StoreError> {
        let moment = diesel::select(Moment).get_result(self.connection).await.map_err(error::query)?;
        Ok(self.memory.is_now(moment))
    }

    /// Reads the streams that are asked about by one column and not known.
    async fn read_streams(
        &mut self,
        statement: &'static str,
        asked: &[Question],
        text: impl Fn(&Subject) -> Option<String>,
        answers: &mut [Option<Answered>],
    ) -> Result<(), StoreError> {
        let open = asked.iter().enumerate().filter(|(place, _)| answers[*place].is_none());
        let open = open.filter_map(|(place, question)| Some((place, text(&question.subject)?)));
        let (places, texts): (Vec<usize>, Vec<String>) = open.unzip();
        if texts.is_empty() {
            return Ok(());
        }
        let statement = Statement::<(Nullable<Text>, BigInt, StreamColumns)>::new(
            statement,
            vec![Parameter::Texts(texts)],
        );
        let rows: Vec<(Option<String>, i64, StreamRow)> =
            statement.load(self.connection).await.map_err(error::query)?;
        if let [(moment, ..), ..] = rows.as_slice() {
            self.memory.known.is_now(moment.clone());
        }
        for (_, number, row) in rows {
            // SQL counts from 1.
            let place = usize::try_from(number - 1).ok().and_then(|number| places.get(number));
            let Some(&place) = place else { continue };
            let stream = Stream::try_from(row);
            if let Ok(stream) = &stream {
                let remembered = Remembered::Stream(stream.clone());
                self.memory.known.learn(asked[place].subject.clone(), remembered, 1);
            }
            answers[place] = Some(stream.map(|stream| Answer::Stream(Some(stream))));
        }
        Ok(())
    }

    async fn read_page(
        &mut self,
        query: &CatalogQuery,
        now: Timestamp,
    ) -> Result<Arc<StreamPage>, StoreError> {
        let rows: Vec<(Option<String>, StreamRow)> = page_of(at(query.filter, now), &query.page)
            .select((Moment, StreamRow::as_select()))
            .load(self.connection)
            .await
            .map_err(error::query)?;
        // An empty list tells no snapshot, and is as quickly read again.
        if let [(moment, _), ..] = rows.as_slice() {
            self.memory.known.is_now(moment.clone());
        }
        let rows = placed(rows.into_iter().map(|(_, row)| row));
        let until = unchanged_until(now, &rows);
        let read = Arc::new(query.page.page_of(rows));
        if let Some(until) = until {
            let remembered = Remembered::Page { page: read.clone(), from: now, until };
            self.memory.known.learn(Subject::Page(*query), remembered, read.streams.len());
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
