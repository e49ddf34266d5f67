//! A store as the laws see it: everything that it can do, in one object.

use crate::ports::{Admissions, CatalogStore, History, KeyLookup, KeyStore, Kicks, Presence};

/// A store of streams.
pub trait StreamStore: KeyStore + KeyLookup + CatalogStore {}

impl<S: KeyStore + KeyLookup + CatalogStore> StreamStore for S {}

/// A store of streams and of publish sessions.
pub trait Store: StreamStore + Admissions + Presence + Kicks + History {}

impl<S: StreamStore + Admissions + Presence + Kicks + History> Store for S {}
