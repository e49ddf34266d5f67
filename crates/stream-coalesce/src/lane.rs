//! One reading after the other, each for all who have asked by then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use tokio::time::timeout;

use crate::{Source, Unanswered};

/// How much a lane takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many callers may wait for the next reading.
    pub waiting: usize,
    /// How many questions one reading is given.
    pub at_once: usize,
    /// After how long a reading no longer keeps the next one from beginning.
    pub patience: Duration,
    /// How many readings may take longer than that at once; as many may be under way, and one more.
    pub overdue: usize,
}

/// Reads for many callers, by one reading after the other.
pub struct Lane<S: Source>(Arc<Shared<S>>);

impl<S: Source> Clone for Lane<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Source> std::fmt::Debug for Lane<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Keys may be secret.
        f.debug_struct("Lane").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

struct Shared<S: Source> {
    source: S,
    limits: Limits,
    queue: Mutex<Queue<S>>,
}

struct Queue<S: Source> {
    waiting: VecDeque<Caller<S>>,
    /// Whether a reader is at work, or about to be, that takes those who wait when it is done.
    has_reader: bool,
    overdue: usize,
}

struct Caller<S: Source> {
    question: S::Question,
    answer: oneshot::Sender<Outcome<S>>,
}

type Outcome<S> = Result<<S as Source>::Answer, Unanswered<<S as Source>::Error>>;

impl<S: Source> Lane<S> {
    /// A lane that reads from this source.
    pub fn new(source: S, limits: Limits) -> Self {
        let queue = Queue { waiting: VecDeque::new(), has_reader: false, overdue: 0 };
        Self(Arc::new(Shared { source, limits, queue: Mutex::new(queue) }))
    }

    /// What the lane reads from.
    pub fn source(&self) -> &S {
        &self.0.source
    }

    /// Whether nobody waits and nothing is being read.
    pub fn is_idle(&self) -> bool {
        let queue = self.0.queue();
        !queue.has_reader && queue.overdue == 0
    }

    /// Answers by a reading that begins after this call; the caller may go away at any time.
    ///
    /// Call it on a tokio runtime with time, which may have to carry the reading.
    pub async fn ask(&self, question: S::Question) -> Outcome<S> {
        let answer = self.enter(question)?;
        answer.await.unwrap_or(Err(Unanswered::Abandoned))
    }

    fn enter(&self, question: S::Question) -> Result<oneshot::Receiver<Outcome<S>>, Unanswered<S::Error>> {
        let mut queue = self.0.queue();
        if queue.waiting.len() >= self.0.limits.waiting {
            return Err(Unanswered::Full);
        }
        let (sender, receiver) = oneshot::channel();
        queue.waiting.push_back(Caller { question, answer: sender });
        if !std::mem::replace(&mut queue.has_reader, true) {
            drop(queue);
            Reader::spawn(self.0.clone());
        }
        Ok(receiver)
    }
}

impl<S: Source> Shared<S> {
    fn queue(&self) -> MutexGuard<'_, Queue<S>> {
        // Nothing panics while it holds the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that reads, until nobody waits.
struct Reader<S: Source> {
    lane: Arc<Shared<S>>,
    role: Role,
}

/// What a reader is to its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It takes those who wait, when it is done with those it has.
    Regular,
    /// It has taken too long, and another reader may take them.
    Overdue,
    /// It found nobody any more.
    Done,
}

impl<S: Source> Reader<S> {
    /// Begins to read, for a lane that was just marked as having a reader.
    fn spawn(lane: Arc<Shared<S>>) {
        tokio::spawn(Self { lane, role: Role::Regular }.run());
    }

    async fn run(mut self) {
        let lane = self.lane.clone();
        while let Some((questions, callers)) = self.next_batch() {
            let mut reading = std::pin::pin!(lane.source.answer(questions));
            let outcome = match timeout(lane.limits.patience, &mut reading).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => {
                    self.let_another_in();
                    reading.await
                }
            };
            answer::<S>(callers, outcome);
        }
    }

    /// Those who have asked by now and are still there; `None` if they are none, or another reader's.
    fn next_batch(&mut self) -> Option<Batch<S>> {
        if self.role != Role::Regular {
            return None;
        }
        let mut queue = self.lane.queue();
        let most = queue.waiting.len().min(self.lane.limits.at_once);
        let (mut questions, mut callers) = (Vec::with_capacity(most), Vec::with_capacity(most));
        while questions.len() < self.lane.limits.at_once
            && let Some(caller) = queue.waiting.pop_front()
        {
            if !caller.answer.is_closed() {
                questions.push(caller.question);
                callers.push(caller.answer);
            }
        }
        if questions.is_empty() {
            queue.has_reader = false;
            self.role = Role::Done;
            return None;
        }
        Some((questions, callers))
    }

    /// Makes way for another reader, unless as many as may have done so already.
    fn let_another_in(&mut self) {
        let mut queue = self.lane.queue();
        if queue.overdue >= self.lane.limits.overdue {
            return;
        }
        queue.overdue += 1;
        self.role = Role::Overdue;
        queue.has_reader = !queue.waiting.is_empty();
        if queue.has_reader {
            drop(queue);
            Self::spawn(self.lane.clone());
        }
    }
}

impl<S: Source> Drop for Reader<S> {
    /// However the task ends, nobody is left waiting for it.
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        match self.role {
            Role::Done => {}
            Role::Overdue => queue.overdue -= 1,
            // The source panicked; those who came later have nothing to do with that.
            Role::Regular if std::thread::panicking() && !queue.waiting.is_empty() => {
                drop(queue);
                Self::spawn(self.lane.clone());
            }
            // The runtime ends, and would end another reader as well.
            Role::Regular => {
                queue.has_reader = false;
                let abandoned = std::mem::take(&mut queue.waiting);
                drop(queue);
                drop(abandoned);
            }
        }
    }
}

type Batch<S> = (Vec<<S as Source>::Question>, Vec<oneshot::Sender<Outcome<S>>>);

fn answer<S: Source>(callers: Vec<oneshot::Sender<Outcome<S>>>, outcome: Result<Vec<S::Answer>, S::Error>) {
    // A caller who has gone takes nothing; one for whom there is no answer sees that the reading was given up.
    match outcome {
        Ok(answers) => callers.into_iter().zip(answers).for_each(|(caller, answer)| {
            let _ = caller.send(Ok(answer));
        }),
        Err(error) => callers.into_iter().for_each(|caller| {
            let _ = caller.send(Err(Unanswered::Failed(error.clone())));
        }),
    }
}
