//! Rounds: the subjects of a group alternate, so that other load on the machine affects all of them equally.

use crate::cost::Group;
use crate::groups::{LOOKUP_COLD, Main, Subject};
use crate::load::{CONNECTIONS, Round, measure};
use crate::plan::{Plan, WARM_UP};
use crate::report::Measured;
use crate::subjects;

/// Measures every subject of a group, in alternating rounds.
#[expect(clippy::print_stderr, reason = "the run takes long, and says where it is")]
pub(crate) fn run(plan: &Plan, what: &str, main: &Main<'_>, subjects: &[Subject<'_>]) -> Vec<Measured> {
    let database = subjects::server_of(main.cluster);
    let once = |subject: &Subject<'_>, seconds| {
        let writer = subject.is_written.then(|| main.write_meanwhile(seconds));
        let (port, own) = subject.server.map_or((0, Group(0)), |server| (server.port, server.group()));
        let round = measure(&subject.load, port, seconds, &own, &database);
        writer.into_iter().for_each(|mut writer| {
            writer.wait().expect("pgbench ends");
        });
        round
    };
    for subject in subjects {
        once(subject, WARM_UP);
    }
    let mut rounds: Vec<Vec<Round>> = subjects.iter().map(|_| Vec::new()).collect();
    for number in 1..=plan.rounds {
        for (subject, rounds) in subjects.iter().zip(&mut rounds) {
            let round = once(subject, plan.seconds);
            // After a pair that the end of a round interrupted, the next request is refused; so are keys of ended streams.
            let refused = round.refused / (round.rate * f64::from(plan.seconds)).max(1.0);
            let is_sound = round.refused <= f64::from(CONNECTIONS) || refused < 0.01;
            assert!(is_sound || subject.name == LOOKUP_COLD, "{}: {round:?}", subject.name);
            rounds.push(round);
        }
        eprintln!("{what}: round {number} of {}", plan.rounds);
    }
    let peak = |subject: &Subject<'_>| subject.server.map(|server| server.group().cost().peak_mib);
    let measured = subjects.iter().zip(rounds);
    measured
        .map(|(subject, rounds)| Measured { name: subject.name, peak_mib: peak(subject), rounds })
        .collect()
}
