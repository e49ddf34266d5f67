//! Starts and stops that come together, written by one statement each, with one commit.
//!
//! Only what goes smoothly is answered here.
//! Whoever is refused, and everybody if the statement fails, is tried again alone, so nobody suffers for a neighbour.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Pool;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::FutureExt as _;
use stream_coalesce::{Lane, Lanes, Limits, Source, Unanswered};
use stream_domain::ports::StoreError;
use stream_domain::{NewStream, Stream, Timestamp, UserId};
use tokio::time::{Instant, timeout_at};

use crate::pool::{self, Connector, Links};
use crate::readers::Readers;
use crate::row::{StreamColumns, StreamRow};
use crate::statement::{Parameter, Statement};
use crate::{PostgresStore, Share, error, too_slow};

/// How many callers may wait on a lane.
const WAITING: usize = 4_096;

/// How many are written at once; few enough that nobody waits long for the others.
const AT_ONCE: usize = 64;

/// After how long a statement no longer keeps the next one from beginning.
const PATIENCE: Duration = Duration::from_millis(100);

const START: &str = include_str!("writes/start.sql");
const STOP: &str = include_str!("writes/stop.sql");

/// What is to be written.
#[derive(Debug)]
pub(crate) enum Write {
    Start(NewStream),
    Stop(UserId, Timestamp),
}

impl Write {
    fn user(&self) -> UserId {
        match self {
            Self::Start(new) => new.user_id,
            Self::Stop(user, _) => *user,
        }
    }
}

/// Writes for many callers at once.
#[derive(Clone)]
pub(crate) struct Writes(Lanes<WriteSource>);

impl Writes {
    /// Without a lane that has connections of its own, these share the pool.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        pool: &Pool<Links>,
        limit: Duration,
        share: &Share,
    ) -> Self {
        let lane = |_| {
            let writers = Readers::new(connector, pool, limit, pool::PLAN_BATCHES, share.lanes > 0);
            let limits =
                Limits { waiting: WAITING, at_once: AT_ONCE, patience: PATIENCE, overdue: share.spare };
            Lane::new(WriteSource(writers), limits)
        };
        Self(Lanes::new((0..share.lanes.max(1)).map(lane).collect()))
    }

    /// Closes what is idle, and the rest when its statement ends.
    pub(crate) fn close(&self) {
        self.0.iter().for_each(|lane| lane.source().0.close());
    }
}

impl PostgresStore {
    /// Writes together with others; `None` if that did not go smoothly, and nothing was written.
    pub(crate) async fn write(&self, write: Write) -> Result<Option<Stream>, StoreError> {
        let until = Instant::now() + self.timeout;
        match timeout_at(until, self.batches.0.ask((write, until))).await {
            Ok(Ok(stream)) => stream.transpose(),
            Ok(Err(Unanswered::Failed(shared))) => Err(shared.duplicate()),
            Ok(Err(why)) => Err(StoreError::unavailable(why.to_string())),
            Err(_elapsed) => Err(too_slow()),
        }
    }
}

struct WriteSource(Readers<()>);

/// The stream as it is now, if it was written.
type Written = Option<Result<Stream, StoreError>>;

impl Source for WriteSource {
    /// What to write, and until when somebody waits for it.
    type Question = (Write, Instant);
    type Answer = Written;
    type Error = Arc<StoreError>;

    // Who stops a stream and leaves has stopped it.
    const HEEDS_THE_GONE: bool = true;

    async fn answer(&self, writes: Vec<(Write, Instant)>) -> Result<Vec<Written>, Arc<StoreError>> {
        let writes: Arc<[(Write, Instant)]> = writes.into();
        let written = self.0.read(move |connection, ()| {
            async move {
                let mut written: Vec<Written> = writes.iter().map(|_| None).collect();
                // Whoever was told meanwhile that it took too long was told the truth.
                let now = Instant::now();
                let due = writes.iter().enumerate().filter(|(_, (_, until))| now < *until);
                let mut due: Vec<(usize, &Write)> = due.map(|(place, (write, _))| (place, write)).collect();
                due.sort_by_key(|(_, write)| write.user());
                start(connection, &due, &mut written).await;
                stop(connection, &due, &mut written).await;
                Ok(written)
            }
            .boxed()
        });
        written.await.map_err(Arc::new)
    }
}

async fn start(connection: &mut AsyncPgConnection, writes: &[(usize, &Write)], written: &mut [Written]) {
    let starts = writes.iter().filter_map(|(place, write)| match write {
        Write::Start(new) => Some((*place, new)),
        Write::Stop(..) => None,
    });
    let (places, new): (Vec<usize>, Vec<&NewStream>) = starts.unzip();
    if new.is_empty() {
        return;
    }
    let parameters = vec![
        Parameter::Integers(new.iter().map(|new| new.user_id.get()).collect()),
        Parameter::Texts(new.iter().map(|new| new.key.expose().to_owned()).collect()),
        Parameter::Texts(new.iter().map(|new| new.playback_id.as_str().to_owned()).collect()),
        Parameter::Instants(new.iter().map(|new| new.created_at.to_naive_utc()).collect()),
        Parameter::Instants(new.iter().map(|new| new.expires_at.to_naive_utc()).collect()),
    ];
    match all(connection, START, parameters).await {
        Ok(rows) => rows.into_iter().for_each(|row| {
            if let Some(one) = new.iter().position(|new| new.key.expose() == row.key()) {
                written[places[one]] = Some(row.try_into());
            }
        }),
        Err(error) => places.iter().for_each(|&place| written[place] = Some(Err(error.duplicate()))),
    }
}

async fn stop(connection: &mut AsyncPgConnection, writes: &[(usize, &Write)], written: &mut [Written]) {
    let stops = writes.iter().filter_map(|(place, write)| match write {
        Write::Start(_) => None,
        Write::Stop(user, now) => Some((*place, (user.get(), now.to_naive_utc()))),
    });
    let (places, (users, instants)): (Vec<usize>, (Vec<i32>, Vec<_>)) = stops.unzip();
    if users.is_empty() {
        return;
    }
    let parameters = vec![Parameter::Integers(users.clone()), Parameter::Instants(instants)];
    match all(connection, STOP, parameters).await {
        Ok(rows) => rows.into_iter().for_each(|row| {
            // Of several who stop the same stream, the first has done it.
            if let Some(one) = users.iter().position(|user| Some(*user) == row.user()) {
                written[places[one]] = Some(row.try_into());
            }
        }),
        Err(error) => places.iter().for_each(|&place| written[place] = Some(Err(error.duplicate()))),
    }
}

/// What a statement has written; nothing if the database refused it as a whole.
async fn all(
    connection: &mut AsyncPgConnection,
    text: &'static str,
    parameters: Vec<Parameter>,
) -> Result<Vec<StreamRow>, StoreError> {
    match Statement::<StreamColumns>::new(text, parameters).load(connection).await {
        Ok(rows) => Ok(rows),
        // What it says that it did not do was not done; of a connection that is lost nobody knows.
        Err(Error::DatabaseError(kind, _)) if !matches!(kind, DatabaseErrorKind::ClosedConnection) => {
            Ok(Vec::new())
        }
        Err(failure) => Err(error::query(failure)),
    }
}
