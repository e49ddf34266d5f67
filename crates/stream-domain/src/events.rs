//! Events: what happened to streams and schedules, in one order that never changes.
//!
//! A store writes an event in the transaction of the change that it tells of, whoever makes the change.
//! A moment later the event gets a [`LogPosition`]; whoever reads by positions misses nothing and reads nothing twice.

mod event;
mod kind;
mod query;
mod use_cases;

pub use event::{Event, LogPosition};
pub use kind::EventKind;
pub use query::{EventPage, EventQuery, Extent, Forgotten};
pub use use_cases::{EventOptions, Events, ReadEventsError};
