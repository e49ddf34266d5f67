//! The foreign key to the user-service's `users` table, which may appear after this service.
//!
//! It is looked at before anything is locked: a table that cannot be referenced costs no lock.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use stream_domain::UserId;
use stream_domain::ports::{StoreError, UserStreamsError, UsersTable};

use crate::advisory_lock::{Turn, begin, commit, rollback};
use crate::catalog_tables::is_true;
use crate::error;
use crate::schema::users;
use crate::store::PostgresStore;

/// How often the tables are asked for before others are let through for longer.
const TRIES: u32 = 5;

/// How long writers are let through between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a migration of another instance is waited for; it will add the key itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be done about the foreign key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Referable {
    /// Nothing yet: there is no such table.
    Missing,
    /// A foreign key is there, and every row has been checked.
    Validated,
    /// A foreign key is there; older rows are not checked.
    NotValidated,
    /// The foreign key can be added.
    Possible,
    /// It cannot, for this reason.
    Impossible(String),
}

/// One word that says how things stand, or a sentence that says why nothing can be done.
const LOOK: &str = "
    WITH keys AS (SELECT convalidated FROM pg_constraint WHERE contype = 'f'
                  AND conrelid = to_regclass('streams') AND confrelid = to_regclass('users')),
    id AS (SELECT attnum, atttypid FROM pg_attribute
           WHERE attrelid = to_regclass('users') AND attname = 'id' AND NOT attisdropped)
    SELECT CASE
        WHEN users.oid IS NULL THEN 'missing'
        WHEN EXISTS (SELECT FROM keys WHERE convalidated) THEN 'validated'
        WHEN EXISTS (SELECT FROM keys) THEN 'not validated'
        WHEN relkind NOT IN ('r', 'p') THEN 'users is no table but ' || CASE relkind WHEN 'v' THEN 'a view'
            WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table' ELSE 'something else' END
        WHEN relpersistence <> 'p' THEN 'users is an unlogged or temporary table'
        WHEN NOT EXISTS (SELECT FROM id) THEN 'users has no column id'
        WHEN (SELECT atttypid NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) FROM id)
            THEN 'users.id is no integer but ' || (SELECT format_type(atttypid, NULL) FROM id)
        WHEN NOT EXISTS (SELECT FROM pg_index, id WHERE indrelid = users.oid AND indisunique AND indisvalid
                AND indimmediate AND indpred IS NULL AND indnkeyatts = 1 AND indkey[0] = attnum)
            THEN 'users.id is neither a primary key nor unique by itself'
        WHEN NOT has_column_privilege(users.oid, 'id', 'REFERENCES')
            THEN format('a privilege is missing: GRANT REFERENCES ON users TO %I', current_user)
        WHEN NOT has_column_privilege(users.oid, 'id', 'SELECT')
            THEN format('a privilege is missing: GRANT SELECT ON users TO %I', current_user)
        WHEN to_regclass('streams') IS NOT NULL
            AND NOT (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('streams'))
            THEN format('the role %I does not own streams; `stream-server migrate` as its owner adds the foreign key',
                        current_user)
        ELSE 'possible' END AS answer
    FROM (VALUES (to_regclass('users')::oid)) AS users (oid) LEFT JOIN pg_class ON pg_class.oid = users.oid";

/// Looks at the tables' definitions; locks nothing.
pub(crate) async fn look(connection: &mut AsyncPgConnection) -> Result<Referable, StoreError> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    let row: Answer = RunQueryDsl::get_result(sql_query(LOOK), connection).await.map_err(error::query)?;
    Ok(match row.answer.as_str() {
        "missing" => Referable::Missing,
        "validated" => Referable::Validated,
        "not validated" => Referable::NotValidated,
        "possible" => Referable::Possible,
        _ => Referable::Impossible(row.answer),
    })
}

impl PostgresStore {
    /// Adds the foreign key from `streams` to `users`, once that table exists, and validates it.
    ///
    /// An existing key stays as it is, `ON DELETE` and all.
    /// Adding it locks both tables against writers for a moment, for which it waits for 0.2 seconds at a time;
    /// validating locks neither.
    /// Rows that name users who do not exist are no failure: new rows are checked from then on, old ones are not.
    pub async fn add_users_foreign_key(&self) -> Result<UsersTable, StoreError> {
        let store = self.clone();
        let add = self.runtime.spawn(async move { store.add_and_validate().await });
        let added = add.await.map_err(StoreError::failed)?;
        match &added {
            Ok(users_table) => self.users_table.store(code(*users_table), Ordering::Relaxed),
            // A failure to look takes nothing back.
            Err(_) if self.has_users_foreign_key() => {}
            Err(_) => self.users_table.store(code(UsersTable::NotReferenced), Ordering::Relaxed),
        }
        added
    }

    async fn add_and_validate(&self) -> Result<UsersTable, StoreError> {
        let mut connection =
            self.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
        begin(&mut connection).await?;
        let found = look(&mut connection).await?;
        commit(&mut connection).await?;
        match found {
            Referable::Missing => return Ok(UsersTable::Missing),
            Referable::Validated => return Ok(UsersTable::Referenced),
            Referable::Impossible(why) => return Err(StoreError::failed(why)),
            Referable::NotValidated => {}
            Referable::Possible => add(&mut connection).await?,
        }
        validate(&mut connection).await
    }

    /// What the last look at the users table found.
    pub fn users_table(&self) -> UsersTable {
        match AtomicU8::load(&self.users_table, Ordering::Relaxed) {
            2 => UsersTable::Referenced,
            1 => UsersTable::ReferencedByNewStreams,
            3 => UsersTable::NotReferenced,
            _ => UsersTable::Missing,
        }
    }

    pub(crate) fn has_users_foreign_key(&self) -> bool {
        matches!(self.users_table(), UsersTable::Referenced | UsersTable::ReferencedByNewStreams)
    }
}

/// Adds the key for new rows.
async fn add(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let mut turn = Turn::within(PATIENCE);
    let add = "SET LOCAL lock_timeout = '200ms';
               ALTER TABLE streams ADD CONSTRAINT streams_user_id_fkey
               FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
               COMMIT";
    for tries in 1.. {
        turn.begin(connection).await?;
        // Another instance may have been faster.
        if look(connection).await? != Referable::Possible {
            return commit(connection).await;
        }
        match connection.batch_execute(add).await {
            Ok(()) => return Ok(()),
            Err(failure) if tries == TRIES => return Err(error::query(failure)),
            Err(_) => {
                rollback(connection).await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

/// Checks the rows that were there before the key, whatever its name.
async fn validate(connection: &mut AsyncPgConnection) -> Result<UsersTable, StoreError> {
    let validate = "DO $$
        DECLARE key name;
        BEGIN
            FOR key IN SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated
                AND conrelid = to_regclass('streams') AND confrelid = to_regclass('users')
            LOOP
                EXECUTE format('ALTER TABLE streams VALIDATE CONSTRAINT %I', key);
            END LOOP;
        END $$";
    begin(connection).await?;
    // A key that others added, and that this role may not validate, holds for new rows all the same.
    let owns = "(SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('streams'))";
    if !is_true(connection, owns).await? {
        commit(connection).await?;
        return Ok(UsersTable::ReferencedByNewStreams);
    }
    match connection.batch_execute(validate).await {
        Ok(()) => {
            let found = look(connection).await?;
            commit(connection).await?;
            match found {
                Referable::Validated => Ok(UsersTable::Referenced),
                _ => Err(StoreError::unavailable("the users table changed at this moment")),
            }
        }
        Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            rollback(connection).await?;
            Ok(UsersTable::ReferencedByNewStreams)
        }
        Err(failure) => Err(error::query(failure)),
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

/// Refuses a user that the platform does not know, where `streams` refers to `users` at all.
pub(crate) async fn require_user_exists(
    connection: &mut AsyncPgConnection,
    user: UserId,
    has_users: bool,
) -> Result<(), UserStreamsError> {
    if !has_users {
        return Ok(());
    }
    let user_exists = diesel::select(exists(users::table.find(user.get())));
    let exists: bool = user_exists.get_result(connection).await.map_err(error::query)?;
    if exists { Ok(()) } else { Err(UserStreamsError::UnknownUser) }
}
