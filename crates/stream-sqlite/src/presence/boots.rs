//! The boots of media servers, as they are remembered.

use diesel::prelude::*;
use stream_domain::broadcasts::boots::{Boot, BootSign, Boots};
use stream_domain::ports::StoreError;
use stream_domain::{ServerName, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::schema::media_server_boots as boots;

/// Notes a sign of life of a boot, and says what it means.
pub(super) fn note(
    connection: &mut SqliteConnection,
    server: &ServerName,
    id: &str,
    now: Timestamp,
) -> Result<BootSign, StoreError> {
    let known = boots::table.filter(boots::server.eq(server.as_str()));
    let known: Vec<(String, PrimitiveDateTime, PrimitiveDateTime)> = known
        .select((boots::boot_id, boots::first_seen_at, boots::last_seen_at))
        .load(connection)
        .map_err(error::query)?;
    let boot = |(id, first, last)| Boot {
        id,
        first_seen_at: Timestamp::from_utc(first),
        last_seen_at: Timestamp::from_utc(last),
    };
    let mut known = Boots(known.into_iter().map(boot).collect());
    let sign = known.note(id, now);
    if let Some(noted) = known.0.iter().find(|boot| boot.id == id) {
        let row = (
            boots::server.eq(server.as_str()),
            boots::boot_id.eq(id),
            boots::first_seen_at.eq(noted.first_seen_at.to_naive_utc()),
            boots::last_seen_at.eq(noted.last_seen_at.to_naive_utc()),
        );
        let noted = diesel::replace_into(boots::table).values(row);
        noted.execute(connection).map_err(error::query)?;
    }
    if sign == (BootSign::Shared { is_news: true }) {
        tracing::warn!(%server, "two media servers publish under one name; give each a name of its own");
    }
    Ok(sign)
}
