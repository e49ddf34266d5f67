//! Hooks: what media servers ask and report, answered within a second whatever the store does.

use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::admission::{Admitted, Refusal, Trigger};
use super::error::AdmitError;
use super::refused::Permitted;
use super::report::PublisherReport;
use super::session::EndReason;
use super::use_cases::Broadcasts;
use crate::StreamId;
use crate::media_server::{Family, ServerName};
use crate::ports::{SessionSelector, StoreError, Tasks};

/// How long an answer may take; some media servers serve nobody while they wait for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What a media server asks or reports, in the same terms for every family.
#[derive(Debug, Clone)]
pub enum HookEvent {
    /// A publisher wants to publish, or is still live.
    Publisher(PublisherReport),
    /// A question whether a key may publish; no session begins.
    Question(PublisherReport),
    /// A publisher that is refused in any case.
    Refused {
        /// What it shows, which may reveal whose key it has.
        report: PublisherReport,
        /// Why it is refused.
        refusal: Refusal,
    },
    /// A publisher has left.
    Left {
        /// The server's id of its session.
        session: String,
        /// Only if it publishes this name, where one is given.
        name: Option<String>,
    },
    /// The publisher of a name has left, where the server gives no session id.
    NameLeft {
        /// The name.
        name: String,
    },
    /// The server is running.
    Heartbeat {
        /// Its boot id, if it sends one.
        boot_id: Option<String>,
    },
    /// The server has restarted.
    Restarted,
    /// An event that does not concern this service, such as a viewer, and is accepted.
    Ignored,
    /// A request for the server's own interfaces, which only its own settings may grant.
    Privileged,
}

impl HookEvent {
    /// What it says of a publisher, if it concerns one that asks.
    pub fn report(&self) -> Option<&PublisherReport> {
        match self {
            Self::Publisher(report) | Self::Question(report) | Self::Refused { report, .. } => Some(report),
            _ => None,
        }
    }

    /// The same, from a request that must change nothing.
    #[must_use]
    pub fn into_question(self) -> Self {
        match self {
            Self::Publisher(report) => Self::Question(report),
            Self::Question(_) | Self::Refused { .. } | Self::Privileged => self,
            Self::Left { .. }
            | Self::NameLeft { .. }
            | Self::Heartbeat { .. }
            | Self::Restarted
            | Self::Ignored => Self::Ignored,
        }
    }
}

/// What became of an event.
#[derive(Debug)]
pub enum HookAnswer {
    /// A publisher is live.
    Admitted(Admitted),
    /// A key may publish; no session began.
    Permitted(Permitted),
    /// A publisher may not be live, by the rules.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Its stream, where that was looked up for the attempt.
        stream: Option<StreamId>,
    },
    /// The store did not answer in time. An admission that succeeds later is withdrawn.
    TooLate,
    /// The store failed.
    Unavailable(StoreError),
    /// The event is stored, and needs no answer.
    Noted,
    /// The event does not concern this service.
    Ignored,
    /// The event could not be stored, which no media server can change; what it meant shows when the lease ends.
    NotStored(StoreError),
}

/// The use cases of hooks.
#[derive(Clone)]
pub struct Hooks {
    broadcasts: Broadcasts,
    tasks: Arc<dyn Tasks>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("broadcasts", &self.broadcasts).finish_non_exhaustive()
    }
}

impl Hooks {
    /// Wires the use cases to their ports.
    pub fn new(broadcasts: Broadcasts, tasks: Arc<dyn Tasks>) -> Self {
        Self { broadcasts, tasks }
    }

    /// The same use cases without a deadline.
    pub fn broadcasts(&self) -> &Broadcasts {
        &self.broadcasts
    }

    /// Acts on an event of this server, within a second where a publisher waits for the answer.
    pub async fn handle(&self, server: &ServerName, family: Family, event: &HookEvent) -> HookAnswer {
        match event {
            HookEvent::Publisher(report) => self.admit(server, report).await,
            HookEvent::Question(report) => {
                let asking = self.broadcasts.may_publish(server, report);
                match self.in_time(asking).await {
                    Some(Ok(permitted)) => HookAnswer::Permitted(permitted),
                    Some(Err(error)) => error.into(),
                    None => HookAnswer::TooLate,
                }
            }
            HookEvent::Refused { report, refusal } => {
                let noting = self.broadcasts.refuse(server, report, *refusal);
                let stream = self.in_time(noting).await.flatten();
                HookAnswer::Refused { refusal: *refusal, stream }
            }
            HookEvent::Privileged => HookAnswer::Refused { refusal: Refusal::MalformedRequest, stream: None },
            HookEvent::Ignored => HookAnswer::Ignored,
            HookEvent::Left { session, name } => {
                let (server, session, name) = (server.clone(), session.clone(), name.clone());
                self.left(SessionSelector::Session { server, session, name }).await
            }
            HookEvent::NameLeft { name } => {
                self.left(SessionSelector::Name { server: server.clone(), name: name.clone() }).await
            }
            HookEvent::Heartbeat { boot_id } => {
                self.broadcasts.heartbeat(server, family, boot_id.clone()).await.into()
            }
            HookEvent::Restarted => self.broadcasts.restarted(server).await.into(),
        }
    }

    /// Admits a publisher, or decides whether it remains live.
    ///
    /// The admission goes on when its media server hangs up, and when it takes too long. In the second case the
    /// publisher was refused, so its session is withdrawn.
    async fn admit(&self, server: &ServerName, report: &PublisherReport) -> HookAnswer {
        let (done, admitting) = oneshot::channel();
        let (broadcasts, at, of) = (self.broadcasts.clone(), server.clone(), report.clone());
        self.tasks.spawn(Box::pin(async move {
            // Nobody waits for it any more if the media server hung up.
            let _ = done.send(broadcasts.admit(&at, &of).await);
        }));
        match select(admitting, self.tasks.sleep(ANSWER_WITHIN)).await {
            Either::Left((Ok(Ok(admitted)), _)) => HookAnswer::Admitted(admitted),
            // A live publisher stays while the store is unavailable; its next heartbeat decides.
            Either::Left((Ok(Err(AdmitError::Store(error))), _)) if report.trigger == Trigger::Heartbeat => {
                HookAnswer::NotStored(error)
            }
            Either::Left((Ok(Err(error)), _)) => error.into(),
            Either::Left((Err(panicked), _)) => HookAnswer::Unavailable(StoreError::failed(panicked)),
            Either::Right(((), admitting)) if report.trigger == Trigger::PublishRequest => {
                self.withdraw_when_done(admitting);
                HookAnswer::TooLate
            }
            Either::Right(_) if report.trigger == Trigger::Heartbeat => HookAnswer::Noted,
            Either::Right(_) => HookAnswer::TooLate,
        }
    }

    /// Withdraws an admission whose publisher was refused meanwhile.
    fn withdraw_when_done(&self, admitting: oneshot::Receiver<Result<Admitted, AdmitError>>) {
        let broadcasts = self.broadcasts.clone();
        self.tasks.spawn(Box::pin(async move {
            if let Ok(Ok(admitted)) = admitting.await
                && admitted.is_new
            {
                // The publisher that it replaced is still there, unless its server has ended it already.
                let _ = broadcasts.withdraw(admitted.session).await;
            }
        }));
    }

    async fn left(&self, which: SessionSelector) -> HookAnswer {
        self.broadcasts.end(&which, EndReason::Left).await.map(drop).into()
    }

    /// What a future comes to within [`ANSWER_WITHIN`].
    async fn in_time<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match select(Box::pin(future), self.tasks.sleep(ANSWER_WITHIN)).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }
}

impl From<AdmitError> for HookAnswer {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Refused(refusal) => Self::Refused { refusal, stream: None },
            AdmitError::Store(error) => Self::Unavailable(error),
        }
    }
}

impl From<Result<(), StoreError>> for HookAnswer {
    fn from(stored: Result<(), StoreError>) -> Self {
        stored.map_or_else(Self::NotStored, |()| Self::Noted)
    }
}
