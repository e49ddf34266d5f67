//! Publishers on media servers: who may go live, who is live, and who is to be kicked.

pub mod admission;
pub mod boots;
pub mod session;

mod boot_ids;
mod comparing;
mod error;
mod giving_way;
mod hooks;
mod key_check;
mod movement;
mod operating;
mod publisher_list;
mod refused;
mod report;
pub(crate) mod shown;
mod silent;
mod takeovers;
mod use_cases;
mod watch;

pub use comparing::{ReconcileError, Reconciled};
pub use error::AdmitError;
pub use hooks::{HookAnswer, HookEvent, Hooks};
pub use key_check::{KeyCheck, KeyVerdict};
pub use operating::{ControlState, KickOrder, KnownServer, StopOrder};
pub use publisher_list::{Absent, ListIndex, PublisherList, Sighting, SyncOutcome};
pub use refused::Permitted;
pub use report::PublisherReport;
pub use use_cases::{BroadcastOptions, Broadcasts};
