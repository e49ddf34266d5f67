//! A store as the laws see it: everything that it can do, in one object.

use crate::ports::{SessionStore, StreamStore};

/// A store of streams and of publish sessions.
pub trait Store: StreamStore + SessionStore {}

impl<S: StreamStore + SessionStore> Store for S {}
