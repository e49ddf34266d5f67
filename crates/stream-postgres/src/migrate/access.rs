//! What the server and the role must offer, told in sentences that name the cure.

use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use stream_domain::ports::StoreError;

use crate::{error, objects};

/// The oldest version of PostgreSQL that the tests pass on.
const OLDEST: i32 = 13;

/// Refuses a server that is too old to be worked with, rather than fail on some of its statements.
pub(crate) async fn require_version(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = Integer)]
        number: i32,
    }
    let query = sql_query("SELECT current_setting('server_version_num')::int AS number");
    let row: Version = query.get_result(connection).await.map_err(error::query)?;
    too_old(row.number).map_or(Ok(()), |sentence| Err(StoreError::failed(sentence)))
}

/// What is wrong with a server of this `server_version_num`, if anything.
pub(crate) fn too_old(number: i32) -> Option<String> {
    let major = number / 10_000;
    (major < OLDEST).then(|| {
        format!(
            "the server is PostgreSQL {major}; this service needs {OLDEST} or later, so upgrade the server"
        )
    })
}

/// Refuses a role that cannot see which migrations have run.
pub(crate) async fn require_record(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Grant {
        #[diesel(sql_type = Nullable<Text>)]
        grant: Option<String>,
    }
    let query = "SELECT CASE WHEN NOT has_table_privilege(oid, 'SELECT')
        THEN format('GRANT SELECT ON %s TO %I', oid::regclass, current_user) END AS grant
        FROM (VALUES (to_regclass('__diesel_schema_migrations')::oid)) AS record (oid)";
    let row: Grant = sql_query(query).get_result(connection).await.map_err(error::query)?;
    let refusal = |grant| {
        StoreError::denied(format!(
            "the role in DB_URL cannot see which migrations have run; as their owner: {grant}"
        ))
    };
    row.grant.map_or(Ok(()), |grant| Err(refusal(grant)))
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Bool)]
    owns: bool,
    #[diesel(sql_type = Bool)]
    may_create: bool,
}

/// Refuses to begin what cannot be ended: only a table's owner may add an index or a trigger to it.
pub(crate) async fn require_ownership(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let Owner { role, owner, schema, owns, may_create } = owner(connection).await?;
    if !owns {
        return Err(StoreError::denied(format!(
            "the role {role} does not own the table streams, and only its owner may migrate it; run `stream-server \
             migrate` as {owner}, or make {role} the owner (ALTER TABLE streams OWNER TO {role}) or a member of it"
        )));
    }
    if !may_create {
        return Err(StoreError::denied(format!(
            "the role {role} may not create tables in the schema {schema}; let it: GRANT CREATE ON SCHEMA {schema} TO \
             {role}, or run `stream-server migrate` as a role that may"
        )));
    }
    Ok(())
}

/// The same, where something is missing that the owner once made.
pub(crate) async fn require_ownership_to_mend(
    connection: &mut AsyncPgConnection,
    missing: &[String],
) -> Result<(), StoreError> {
    let Owner { role, owner, owns, .. } = owner(connection).await?;
    if owns {
        return Ok(());
    }
    Err(StoreError::denied(format!(
        "the database lacks {}, and the role {role} may not make them again; run `stream-server migrate` as {owner}",
        missing.join(", ")
    )))
}

async fn owner(connection: &mut AsyncPgConnection) -> Result<Owner, StoreError> {
    let query = "SELECT quote_ident(current_user) AS role,
        COALESCE(quote_ident(pg_get_userbyid(relowner)), quote_ident(current_user)) AS owner,
        COALESCE(quote_ident(schema), '(none: the search_path names no schema that exists)') AS schema,
        COALESCE(pg_has_role(relowner, 'USAGE'), TRUE) AS owns,
        COALESCE(has_schema_privilege(schema, 'CREATE'), FALSE) AS may_create
        FROM (SELECT COALESCE(nspname, current_schema()) AS schema, relowner
              FROM (VALUES (to_regclass('streams'))) AS streams (oid)
              LEFT JOIN pg_class USING (oid) LEFT JOIN pg_namespace ON pg_namespace.oid = relnamespace) AS found";
    sql_query(query).get_result(connection).await.map_err(error::query)
}

/// Refuses to serve with privileges that would let every request of some kind fail.
pub(crate) async fn require_privileges(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Grant {
        #[diesel(sql_type = Text)]
        grant: String,
    }
    let tables: Vec<String> = objects::TABLES.iter().map(|table| format!("('{table}')")).collect();
    let query = format!(
        "WITH tables AS (
             SELECT to_regclass(name) AS oid FROM (VALUES {}) AS named (name) WHERE to_regclass(name) IS NOT NULL)
         SELECT format('GRANT %s ON %s TO %I', string_agg(privilege, ', '), oid, current_user) AS grant
         FROM tables CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
         WHERE NOT CASE WHEN privilege = 'DELETE' THEN has_table_privilege(oid, privilege)
                        ELSE has_any_column_privilege(oid, privilege) END
         AND NOT (privilege = 'DELETE' AND oid = to_regclass('streams'))
         GROUP BY oid
         UNION ALL
         SELECT format('GRANT USAGE ON SEQUENCE %s TO %I', oid, current_user)
         FROM (VALUES (pg_get_serial_sequence(to_regclass('streams')::text, 'id')::regclass)) AS sequences (oid)
         WHERE NOT has_sequence_privilege(oid, 'USAGE')
         AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('streams') AND attname = 'id'
                     AND attidentity = '')
         UNION ALL
         SELECT format('GRANT SELECT ON users TO %I', current_user)
         FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass('streams')
         AND confrelid = to_regclass('users') AND NOT has_any_column_privilege(confrelid, 'SELECT')",
        tables.join(", ")
    );
    let missing: Vec<Grant> = sql_query(query).load(connection).await.map_err(error::query)?;
    if missing.is_empty() {
        return Ok(());
    }
    let grants: Vec<String> = missing.into_iter().map(|row| row.grant).collect();
    Err(StoreError::denied(format!(
        "the role in DB_URL lacks privileges on the tables; as their owner: {}",
        grants.join("; ")
    )))
}
