//! Whose events and spans are taken at the level that is set.

/// The crates of this workspace that log or trace.
pub(super) const OUR_CRATES: [&str; 9] = [
    "stream_coalesce",
    "stream_domain",
    "stream_http",
    "stream_jwt",
    "stream_media",
    "stream_postgres",
    "stream_server",
    "stream_spans",
    "stream_sqlite",
];
