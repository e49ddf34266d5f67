//! Tells how the store is doing.

use async_trait::async_trait;

use super::StoreError;
use crate::Timestamp;

/// Tells how the store is doing.
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Asks whether the store can do its work now: it answers, takes writes, and lets this service read and write its
    /// tables. It answers or fails within seconds.
    ///
    /// It is [`StoreError::ReadOnly`] or [`StoreError::Denied`] where every write would fail for that reason.
    async fn check(&self) -> Result<UsersTable, StoreError>;

    /// What the store's own clock says now; `None` for a store that has none and goes by this machine's.
    ///
    /// Instances on several machines share only this clock, so it is what theirs are compared with.
    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}

/// How the store's streams are tied to the platform's users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsersTable {
    /// This store knows no users: any id of a valid token may stream.
    NotUsed,
    /// The `users` table does not exist yet; the foreign key will be added when it does.
    Missing,
    /// The `users` table exists, but may not or cannot be referred to; the log says why.
    NotReferenced,
    /// New streams must name an existing user; older rows were not all found to.
    ReferencedByNewStreams,
    /// Every stream names an existing user.
    Referenced,
}
