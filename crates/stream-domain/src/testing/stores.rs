//! A store as the laws see it: everything that it can do, in one object.

use crate::ports::{SessionStore, Statistics, StreamStore};

/// A store of streams and of publish sessions.
pub trait Store: StreamStore + SessionStore + Statistics {}

impl<S: StreamStore + SessionStore + Statistics> Store for S {}
