//! The tie to the user-service's `users` table, which may appear after this service.

use std::sync::atomic::Ordering;

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::SimpleAsyncConnection as _;
use stream_domain::ports::{StoreError, UsersTable};

use crate::migrate::is_true;
use crate::{PostgresStore, error};

/// Whether some foreign key leads from `streams` to `users`, as an SQL expression.
pub(crate) const HAS_FOREIGN_KEY: &str = "EXISTS (SELECT FROM pg_constraint WHERE contype = 'f'
    AND conrelid = to_regclass('streams') AND confrelid = to_regclass('users'))";

/// Whether such a key has been checked for every row.
const IS_VALIDATED: &str = "EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND convalidated
    AND conrelid = to_regclass('streams') AND confrelid = to_regclass('users'))";

impl PostgresStore {
    /// Adds the foreign key from `streams` to `users`, once that table exists, and validates it.
    ///
    /// An existing key stays as it is, `ON DELETE` and all.
    /// Adding it locks both tables against writers for a moment; validating locks neither.
    /// Rows that name users who do not exist are no failure: then new rows are checked and old ones let be.
    pub async fn tie_to_users(&self) -> Result<UsersTable, StoreError> {
        let store = self.clone();
        let tie = self.runtime.spawn(async move { store.add_foreign_key().await });
        let tied = tie.await.map_err(StoreError::failed)?;
        match &tied {
            Ok(users_table) => self.users_table.store(code(*users_table), Ordering::Relaxed),
            // A failure to look takes nothing back.
            Err(_) if self.is_tied_to_users() => {}
            Err(_) => self.users_table.store(code(UsersTable::NotReferenced), Ordering::Relaxed),
        }
        tied
    }

    async fn add_foreign_key(&self) -> Result<UsersTable, StoreError> {
        let mut connection =
            self.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
        if is_true(&mut connection, "to_regclass('users') IS NULL").await? {
            return Ok(UsersTable::Missing);
        }
        if is_true(&mut connection, IS_VALIDATED).await? {
            return Ok(UsersTable::Referenced);
        }
        drop(connection);
        let mut connection = self.lock_for_migration().await?;
        if !is_true(&mut connection, HAS_FOREIGN_KEY).await? {
            let add = "ALTER TABLE streams ADD CONSTRAINT streams_user_id_fkey
                       FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID";
            connection.batch_execute(add).await.map_err(error::query)?;
        }
        // The key may be older than this service, and have another name.
        let validate = "DO $$
            DECLARE key name;
            BEGIN
                FOR key IN SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated
                    AND conrelid = to_regclass('streams') AND confrelid = to_regclass('users')
                LOOP
                    EXECUTE format('ALTER TABLE streams VALIDATE CONSTRAINT %I', key);
                END LOOP;
            END $$";
        match connection.batch_execute(validate).await {
            Ok(()) => Ok(UsersTable::Referenced),
            Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
                Ok(UsersTable::ReferencedByNewStreams)
            }
            Err(failure) => Err(error::query(failure)),
        }
    }

    /// What the last look at the users table found.
    pub fn users_table(&self) -> UsersTable {
        match self.users_table.load(Ordering::Relaxed) {
            2 => UsersTable::Referenced,
            1 => UsersTable::ReferencedByNewStreams,
            3 => UsersTable::NotReferenced,
            _ => UsersTable::Missing,
        }
    }

    pub(crate) fn is_tied_to_users(&self) -> bool {
        matches!(self.users_table(), UsersTable::Referenced | UsersTable::ReferencedByNewStreams)
    }
}

fn code(users_table: UsersTable) -> u8 {
    match users_table {
        UsersTable::NotUsed | UsersTable::Missing => 0,
        UsersTable::ReferencedByNewStreams => 1,
        UsersTable::Referenced => 2,
        UsersTable::NotReferenced => 3,
    }
}
