//! What an operator can do about a connection that the server refuses, by its SQLSTATE.

/// The cure, where there is one besides waiting.
pub(crate) fn cure(state: &str) -> Option<&'static str> {
    Some(match state {
        "28P01" => {
            "correct user and password in DB_URL; characters such as @ : / # ? % in them are percent-encoded"
        }
        "28000" => {
            "let the role in DB_URL log in from here: CREATE ROLE, its LOGIN, and a line in pg_hba.conf that fits, \
             with or without TLS as sslmode asks for"
        }
        "3D000" => "correct the database's name in DB_URL, or create it: CREATE DATABASE",
        "42501" => "let the role in DB_URL connect: GRANT CONNECT ON DATABASE",
        "53300" => "raise max_connections or the role's CONNECTION LIMIT, or lower DB_POOL_SIZE",
        "55000" => "let the database take connections: ALTER DATABASE … ALLOW_CONNECTIONS true",
        _ => return None,
    })
}

/// An error of the driver with all its causes, and with the cure if there is one.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    let causes = stream_domain::ports::chain_of(error);
    match error.code().and_then(|state| cure(state.code())) {
        Some(cure) => format!("{causes}; {cure}"),
        None => causes,
    }
}
