//! The shape of a family's table of rules, and the words it is written in.

use std::sync::Arc;
use std::time::Duration;

use super::Signal;
use super::engine::Run;
use super::http::{Answer, Call, Reply, Request};
use super::session::Session;

/// Everything in which the families differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Names that the server refuses by itself are never asked about.
    pub(super) name_is_allowed: fn(&str) -> bool,
    /// How questions wait for one another.
    pub(super) questions: Questions,
    /// What is sent at an event, in the family's own words; several requests go out at the same time.
    pub(super) drafts: fn(&Run, &Event<'_>) -> Vec<Draft>,
    /// What an answer means; `None` is a hook that is down, hung up, or was too slow.
    pub(super) judge: fn(Option<&Reply>) -> Verdict,
    /// What a 3xx leads to.
    pub(super) redirects: Redirects,
    /// How long a question may take.
    pub(super) question_limit: Duration,
    /// How long any other event may take.
    pub(super) event_limit: Duration,
    /// The pause before a faulty exchange is tried once more; `None` where it never is.
    pub(super) retry: Option<Duration>,
    /// How often the same publisher is asked about; every answer must accept.
    pub(super) times_asked: u32,
    /// The pauses before denials, taken in turn, so that runs are alike.
    pub(super) pauses_before_denial: &'static [Duration],
    /// Who wins a name.
    pub(super) second_publisher: SecondPublisher,
    /// From the accept to the event that tells of the begin; `None` where there is no such event.
    /// A publisher that leaves before it yields no end either.
    pub(super) begin_after: Option<Duration>,
    /// From the end of a publisher to the event that tells of it.
    pub(super) end_after: Duration,
    /// How long the playlist of a stream stays that has ended.
    pub(super) playlist_stays: Duration,
    /// How long a silent publisher is believed to be there.
    pub(super) frozen_after: Duration,
    /// Whether an end is told of publishers that never were live, because they were denied or came second.
    pub(super) tells_end_of_refused: bool,
    /// The signals at which the server still tells the ends of its publishers.
    pub(super) tells_ends_at: &'static [Signal],
    /// How often the server says that it is there.
    pub(super) server_beat: Option<Duration>,
    /// How often the server says that a publisher is there.
    pub(super) publisher_beat: Option<Duration>,
    /// Names the n-th connection of a run.
    pub(super) session_id: fn(u64) -> String,
    /// The control interface.
    pub(super) control: Option<Control>,
}

/// A control interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Control {
    /// What stands before the host in its address.
    pub(super) credentials: Option<&'static str>,
    /// Answers a call.
    pub(super) answer: fn(&Arc<Run>, &Call) -> Answer,
}

/// How questions wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Questions {
    /// Not at all.
    AtTheSameTime,
    /// One after the other.
    InTurn,
    /// One after the other, and viewers and control calls wait too, but for paths that begin so.
    HoldingTheServer {
        /// Where control calls do not wait.
        free: &'static str,
    },
}

/// What a 3xx leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Redirects {
    /// It is an answer like others.
    AreAnswers,
    /// It is followed; the function renders the next request, and `None` ends the chase.
    AreFollowed(fn(&Run, &Request, &Reply) -> Option<Request>),
}

/// Who wins a name that is live already; the second publisher is asked about first in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecondPublisher {
    /// The first one stays.
    IsRefused,
    /// The first one is thrown out when the media of the second come.
    TakesOver,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may publish.
    Accept,
    /// It may not.
    Deny(String),
    /// This was no answer: tried again where the family does so, and a denial otherwise.
    Fault(String),
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    /// A publisher asks to be let in.
    Ask(&'a Session),
    /// It is live.
    Begin(&'a Session),
    /// It still is.
    Beat(&'a Session),
    /// It is gone.
    End(&'a Session),
    /// The server is there.
    ServerBeat,
}

/// A request that is rendered anew for each try, since counters and times go on.
pub(super) type Draft = Box<dyn Fn(&Run) -> Request + Send + Sync>;

/// A draft that stays as it is.
pub(super) fn fixed(request: Request) -> Draft {
    Box::new(move |_| request.clone())
}

/// For families that take any name to their hook.
pub(super) fn any_name(_: &str) -> bool {
    true
}
