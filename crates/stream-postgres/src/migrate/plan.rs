//! What a migration would do, told before.

use std::fmt;

use diesel_async::AsyncPgConnection;
use stream_domain::ports::StoreError;

use super::access;
use super::embedded::{MIGRATIONS, pending};
use super::rows::{SURPLUS, WITHOUT_EXPIRY};
use crate::catalog_tables::{count, is_true};
use crate::{objects, users};

/// What a migration would change, line by line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One change each; empty if there is nothing to do.
    pub changes: Vec<String>,
}

impl Plan {
    /// Reads in the transaction that is open.
    pub(super) async fn read(mut connection: AsyncPgConnection) -> Result<Self, StoreError> {
        let connection = &mut connection;
        access::require_version(connection).await?;
        access::require_record(connection).await?;
        let mut changes = Vec::new();
        let is_fresh = is_true(connection, "to_regclass('streams') IS NULL").await?;
        if is_fresh {
            changes.push("create the table streams in the documented schema".to_owned());
        } else {
            changes.extend(adoption(connection).await?);
        }
        if let users::Referable::Possible = users::look(connection).await? {
            changes.push(
                "add the foreign key streams_user_id_fkey to users, and validate it if every row names an existing \
                 user"
                    .to_owned(),
            );
        }
        let pending = pending(connection).await?;
        for migration in &pending {
            changes.extend(effect(migration).map(str::to_owned));
            changes.push(format!("run the migration {migration}"));
        }
        if pending.is_empty() {
            let missing = objects::missing(connection).await?;
            changes
                .extend(missing.into_iter().map(|what| format!("make again, since it is missing: {what}")));
        }
        let to_change = pending.is_empty() && changes.is_empty();
        let needs = if to_change {
            access::require_privileges(connection).await
        } else {
            access::require_ownership(connection).await
        };
        if let Err(error) = needs {
            changes.push(format!("nothing, until this is mended: {}", error.innermost_cause()));
        }
        Ok(Self { changes })
    }
}

/// What a migration does besides what is counted in rows: it says so in its first line, if it changes a table that may be
/// there already.
fn effect(name: &str) -> Option<&'static str> {
    let (_, statements) = MIGRATIONS.iter().find(|(known, _)| *known == name)?;
    statements.lines().next()?.strip_prefix("-- Effect: ")
}

/// What adopting an existing table would change in its rows.
async fn adoption(connection: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    let mut changes = Vec::new();
    let rows = count(connection, WITHOUT_EXPIRY).await?;
    if rows > 0 {
        changes.push(format!("{rows} rows without expires_at get created_at + 24 hours"));
    }
    let rows = count(connection, SURPLUS).await?;
    if rows > 0 {
        changes.push(format!("{rows} active rows become stopped, since their users have newer active ones"));
    }
    Ok(changes)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("Nothing would change.");
        }
        f.write_str("This would change:")?;
        self.changes.iter().try_for_each(|change| write!(f, "\n  - {change}"))
    }
}
