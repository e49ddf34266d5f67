//! What a hook is answered while the store is slow or unavailable.

use futures_util::FutureExt as _;

use super::*;
use crate::broadcasts::{HookAnswer, HookEvent, Hooks};
use crate::ports::{Task, Tasks};

/// A runtime that runs tasks at once, or only after every deadline has passed.
#[derive(Default)]
struct TestTasks {
    is_slow: bool,
    waiting: Mutex<Vec<Task>>,
}

impl Tasks for TestTasks {
    fn spawn(&self, task: Task) {
        if self.is_slow {
            self.waiting.lock().unwrap().push(task);
        } else {
            task.now_or_never().expect("nothing in these tests waits");
        }
    }

    fn sleep(&self, _time: std::time::Duration) -> Task {
        if self.is_slow { Box::pin(async {}) } else { Box::pin(std::future::pending()) }
    }
}

impl TestTasks {
    fn slow() -> Self {
        Self { is_slow: true, ..Self::default() }
    }

    /// Runs what was spawned, in its order.
    fn run(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        for task in waiting {
            task.now_or_never().expect("the task before it has ended");
        }
    }
}

fn handle(world: &World, tasks: &Arc<TestTasks>, event: &HookEvent) -> HookAnswer {
    let hooks = Hooks::new(world.broadcasts.clone(), tasks.clone());
    block_on(hooks.handle(&edge(), world.family, event))
}

fn still_live(report: PublisherReport) -> HookEvent {
    HookEvent::Publisher(PublisherReport { trigger: Trigger::Heartbeat, ..report })
}

#[test]
fn an_admission_in_time_is_not_withdrawn() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    let tasks = Arc::new(TestTasks::default());
    let answer = handle(&world, &tasks, &HookEvent::Publisher(world.asking("s1", "one", 1)));
    assert!(matches!(answer, HookAnswer::Admitted(admitted) if admitted.is_new));
    assert_eq!(world.end_of(1), None);
}

#[test]
fn an_admission_that_takes_too_long_is_refused_and_withdrawn_when_it_is_done() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    let tasks = Arc::new(TestTasks::slow());
    let answer = handle(&world, &tasks, &HookEvent::Publisher(world.asking("s1", "one", 1)));
    assert!(matches!(answer, HookAnswer::TooLate), "{answer:?}");
    tasks.run();
    assert_eq!(world.end_of(1), Some(EndReason::AnsweredTooLate));
}

#[test]
fn a_renewal_that_takes_too_long_withdraws_nothing() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    let tasks = Arc::new(TestTasks::slow());
    let again = HookEvent::Publisher(world.asking("s1", "one", 1));
    assert!(matches!(handle(&world, &tasks, &again), HookAnswer::TooLate));
    tasks.run();
    let answer = handle(&world, &tasks, &still_live(world.asking("s1", "one", 1)));
    assert!(matches!(answer, HookAnswer::Noted), "{answer:?}");
    tasks.run();
    assert_eq!(world.end_of(1), None);
}

#[test]
fn a_question_begins_no_session() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    let question = HookEvent::Publisher(world.asking("s1", "one", 1)).into_question();
    let answer = handle(&world, &Arc::new(TestTasks::default()), &question);
    assert!(matches!(answer, HookAnswer::Permitted(_)), "{answer:?}");
    assert!(world.sessions(1).is_empty());
}

#[test]
fn while_the_store_is_unavailable_nobody_is_admitted_and_nobody_is_cut() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.store.go_away();
    let tasks = Arc::new(TestTasks::default());
    let publisher = HookEvent::Publisher(world.asking("s2", "one", 1));
    assert!(matches!(handle(&world, &tasks, &publisher), HookAnswer::Unavailable(_)));
    assert!(matches!(handle(&world, &tasks, &publisher.into_question()), HookAnswer::Unavailable(_)));
    let refused = HookEvent::Refused { report: world.asking("s2", "one", 1), refusal: Refusal::ForeignHost };
    let answer = handle(&world, &tasks, &refused);
    assert!(matches!(answer, HookAnswer::Refused { refusal: Refusal::ForeignHost, stream: None }));
    for event in [
        still_live(world.asking("s1", "one", 1)),
        HookEvent::Left { session: "s1".to_owned(), name: None },
        HookEvent::NameLeft { name: "one".to_owned() },
        HookEvent::Heartbeat { boot_id: Some("boot".to_owned()) },
        HookEvent::Restarted,
    ] {
        let answer = handle(&world, &tasks, &event);
        assert!(matches!(answer, HookAnswer::NotStored(_)), "{event:?}: {answer:?}");
    }
    world.store.come_back();
    assert_eq!(world.end_of(1), None);
}

#[test]
fn requests_that_must_change_nothing_end_nothing() {
    for event in [
        HookEvent::Left { session: "s1".to_owned(), name: None },
        HookEvent::NameLeft { name: "one".to_owned() },
        HookEvent::Heartbeat { boot_id: Some("another".to_owned()) },
        HookEvent::Restarted,
    ] {
        let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
        world.admit("s1", "one");
        world.clock.advance(6 * SECOND);
        let tasks = Arc::new(TestTasks::default());
        assert!(matches!(handle(&world, &tasks, &event.clone().into_question()), HookAnswer::Ignored));
        assert_eq!(world.end_of(1), None, "{event:?}");
        assert!(matches!(handle(&world, &tasks, &event), HookAnswer::Noted));
        let is_heartbeat = matches!(event, HookEvent::Heartbeat { .. });
        assert_eq!(world.end_of(1).is_none(), is_heartbeat, "{event:?}");
    }
}
