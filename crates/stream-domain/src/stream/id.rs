//! The number of a stream, apart from the rest of it, since a playback id may be made of it.

/// The number of a stream, given by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub i32);
