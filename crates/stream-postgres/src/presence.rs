//! Presence: open sessions, kept in step with what media servers say.

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use stream_domain::broadcasts::boots::SHARED_FOR;
use stream_domain::broadcasts::session::{CLOCK_MARGIN, renew_below};
use stream_domain::broadcasts::{Absent, PublisherList, SyncOutcome};
use stream_domain::ports::{Presence, StoreError};
use stream_domain::{ServerName, Timestamp};
use time::Duration;

use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;

#[async_trait]
impl Presence for PostgresStore {
    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError> {
        let (reason, which, missing_before) = match &list.absent {
            Absent::Ended(reason) => (Some(reason), "ended", Vec::new()),
            Absent::EndedIfMissingBefore { reason, missing_before } => {
                (Some(reason), "missing_before", missing_before.clone())
            }
            Absent::Kept => (None, "kept", Vec::new()),
        };
        let parameters = vec![
            list.server.as_str().into(),
            Parameter::Texts(list.sessions.clone()),
            Parameter::Texts(list.names.clone()),
            Parameter::Texts(list.stalled.clone()),
            list.asked_at.into(),
            list.settled_before.into(),
            now.into(),
            now.plus(lease).into(),
            now.plus(renew_below(lease)).into(),
            now.plus(CLOCK_MARGIN).into(),
            Parameter::Text(reason.map(|reason| reason.as_str().to_owned())),
            which.into(),
            Parameter::Texts(missing_before),
        ];
        let text = include_str!("presence/sync_publishers.sql");
        let statement = Statement::<(Array<Text>, Array<Text>, BigInt)>::new(text, parameters);
        let (known, missing, ended): (Vec<String>, Vec<String>, i64) = self.select_one(statement).await?;
        Ok(SyncOutcome { known, missing, ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }

    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let parameters = vec![
            server.as_str().into(),
            Parameter::Text(boot_id),
            now.into(),
            now.plus(lease).into(),
            now.plus(renew_below(lease)).into(),
            now.plus(CLOCK_MARGIN).into(),
            now.plus(-SHARED_FOR).into(),
        ];
        let statement = Statement::<(BigInt, Bool)>::new(include_str!("presence/heartbeat.sql"), parameters);
        let (ended, is_news): (i64, bool) = self.select_one(statement).await?;
        if is_news {
            tracing::warn!(%server, "two media servers publish under one name; give each a name of its own");
        }
        Ok(u32::try_from(ended).unwrap_or(u32::MAX))
    }

    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let parameters =
            vec![now.into(), Parameter::Number(Some(limit.into())), now.plus(CLOCK_MARGIN).into()];
        self.execute(Statement::new(include_str!("presence/expire_leases.sql"), parameters)).await
    }
}
