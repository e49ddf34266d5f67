//! One read after the other, each for all requests that have arrived by then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::{BatchError, BatchRead};

/// How much a batcher takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many requests may wait for the next read; further ones are refused.
    pub max_waiting: usize,
    /// How many requests one read serves.
    pub max_batch: usize,
    /// A read that takes longer is slow: the next one may begin beside it.
    pub slow_after: Duration,
    /// How many slow reads may run at once, besides the one that is not slow yet.
    pub max_slow: usize,
}

/// Runs one read after the other, each for all who wait.
pub struct Batcher<R: BatchRead>(Arc<Shared<R>>);

impl<R: BatchRead> Clone for Batcher<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: BatchRead> std::fmt::Debug for Batcher<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Requests may be secret.
        f.debug_struct("Batcher").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

struct Shared<R: BatchRead> {
    read: R,
    limits: Limits,
    runtime: Option<Handle>,
    queue: Mutex<Queue<R>>,
}

struct Queue<R: BatchRead> {
    waiting: VecDeque<Caller<R>>,
    /// Whether a worker that is not slow is at work; it serves those who wait next.
    has_worker: bool,
    slow: usize,
    reads: u64,
    requests: u64,
}

/// What a batcher has done so far, and how many requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many reads began.
    pub reads: u64,
    /// How many requests they served.
    pub requests: u64,
    /// How many requests wait for the next read.
    pub waiting: usize,
}

struct Caller<R: BatchRead> {
    request: R::Request,
    response: Sender<R>,
}

type Outcome<R> = Result<<R as BatchRead>::Response, BatchError<<R as BatchRead>::Error>>;
type Sender<R> = oneshot::Sender<Outcome<R>>;
type Batch<R> = (Vec<<R as BatchRead>::Request>, Vec<Sender<R>>);

impl<R: BatchRead> Batcher<R> {
    /// Reads on the runtime of whichever caller finds no read under way.
    pub fn new(read: R, limits: Limits) -> Self {
        Self::with(read, limits, None)
    }

    /// Reads on this runtime, whose end no caller's runtime brings about.
    pub fn on(runtime: Handle, read: R, limits: Limits) -> Self {
        Self::with(read, limits, Some(runtime))
    }

    fn with(read: R, limits: Limits, runtime: Option<Handle>) -> Self {
        let queue = Queue { waiting: VecDeque::new(), has_worker: false, slow: 0, reads: 0, requests: 0 };
        let queue = Mutex::new(queue);
        Self(Arc::new(Shared { read, limits, runtime, queue }))
    }

    /// What it reads with.
    pub fn read(&self) -> &R {
        &self.0.read
    }

    /// What it has done so far, and how many requests wait.
    pub fn usage(&self) -> Usage {
        let queue = self.0.queue();
        Usage { reads: queue.reads, requests: queue.requests, waiting: queue.waiting.len() }
    }

    /// Whether no request waits and no read is under way.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let queue = self.0.queue();
        !queue.has_worker && queue.slow == 0
    }

    /// Responds by a read that begins after this call; the caller may leave at any time.
    ///
    /// Without a runtime of its own, call it on a tokio runtime with time enabled.
    pub async fn submit(&self, request: R::Request) -> Outcome<R> {
        let response = self.enqueue(request)?;
        response.await.unwrap_or(Err(BatchError::Abandoned))
    }

    fn enqueue(&self, request: R::Request) -> Result<oneshot::Receiver<Outcome<R>>, BatchError<R::Error>> {
        let mut queue = self.0.queue();
        if queue.waiting.len() >= self.0.limits.max_waiting {
            return Err(BatchError::Full);
        }
        let (response, receiver) = oneshot::channel();
        queue.waiting.push_back(Caller { request, response });
        if !std::mem::replace(&mut queue.has_worker, true) {
            drop(queue);
            Worker::spawn(self.0.clone());
        }
        Ok(receiver)
    }
}

impl<R: BatchRead> Shared<R> {
    fn queue(&self) -> MutexGuard<'_, Queue<R>> {
        // Nothing panics while it holds the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that reads until no request waits.
struct Worker<R: BatchRead> {
    batcher: Arc<Shared<R>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It serves those who wait after those that it has.
    Current,
    /// Its read is slow, and another worker may serve those who wait.
    Slow,
    /// No request waited any more.
    Done,
}

impl<R: BatchRead> Worker<R> {
    /// Starts a worker; the queue must say that it has one.
    fn spawn(batcher: Arc<Shared<R>>) {
        let runtime = batcher.runtime.clone();
        let run = Self { batcher, state: State::Current }.run();
        match runtime {
            Some(runtime) => runtime.spawn(run),
            None => tokio::spawn(run),
        };
    }

    async fn run(mut self) {
        let batcher = self.batcher.clone();
        while let Some((requests, callers)) = self.next_batch() {
            let mut read = std::pin::pin!(batcher.read.read(requests));
            let outcome = match timeout(batcher.limits.slow_after, &mut read).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => {
                    self.become_slow();
                    read.await
                }
            };
            respond::<R>(callers, outcome);
        }
    }

    /// Those who wait and have not left; `None` if there are none, or if they are another worker's.
    fn next_batch(&mut self) -> Option<Batch<R>> {
        if self.state != State::Current {
            return None;
        }
        let mut queue = self.batcher.queue();
        let (mut requests, mut callers) = (Vec::new(), Vec::new());
        while requests.len() < self.batcher.limits.max_batch
            && let Some(caller) = queue.waiting.pop_front()
        {
            if !caller.response.is_closed() {
                requests.push(caller.request);
                callers.push(caller.response);
            }
        }
        if requests.is_empty() {
            queue.has_worker = false;
            self.state = State::Done;
            return None;
        }
        queue.reads += 1;
        queue.requests += requests.len() as u64;
        Some((requests, callers))
    }

    /// Leaves the queue to another worker, unless too many are slow already.
    fn become_slow(&mut self) {
        let mut queue = self.batcher.queue();
        if queue.slow >= self.batcher.limits.max_slow {
            return;
        }
        queue.slow += 1;
        self.state = State::Slow;
        queue.has_worker = !queue.waiting.is_empty();
        if queue.has_worker {
            drop(queue);
            Self::spawn(self.batcher.clone());
        }
    }
}

impl<R: BatchRead> Drop for Worker<R> {
    /// However the task ends, no caller is left waiting for it.
    fn drop(&mut self) {
        let mut queue = self.batcher.queue();
        match self.state {
            State::Done => {}
            State::Slow => queue.slow -= 1,
            // The read panicked, which concerns no later request.
            State::Current if std::thread::panicking() && !queue.waiting.is_empty() => {
                drop(queue);
                Self::spawn(self.batcher.clone());
            }
            // The runtime ends, and would end another worker too.
            State::Current => {
                queue.has_worker = false;
                let abandoned = std::mem::take(&mut queue.waiting);
                drop(queue);
                drop(abandoned);
            }
        }
    }
}

fn respond<R: BatchRead>(callers: Vec<Sender<R>>, outcome: Result<Vec<R::Response>, R::Error>) {
    // A caller that left takes nothing; one without a response sees that the read was abandoned.
    match outcome {
        Ok(responses) => callers.into_iter().zip(responses).for_each(|(caller, response)| {
            let _ = caller.send(Ok(response));
        }),
        Err(error) => callers.into_iter().for_each(|caller| {
            let _ = caller.send(Err(BatchError::Failed(error.clone())));
        }),
    }
}
