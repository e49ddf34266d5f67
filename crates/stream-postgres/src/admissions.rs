//! Admissions: who may go live, and how that ends.

mod admit;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer};
use futures_util::FutureExt as _;
use stream_domain::broadcasts::admission::{PublishRequest, Terms, Verdict};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Admissions, Clues, SETTLED_AFTER, SessionSelector, StoreError};
use stream_domain::{SessionId, StreamId, Timestamp};

use admit::{Decided, admit_parameters, verdict_of};

use crate::error;
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;

/// How often an admission is tried again when another one changes what it saw.
///
/// Of those that meet, one gets through each time, and as many can meet as there are connections for writes.
const ATTEMPTS: usize = 20;

#[async_trait]
impl Admissions for PostgresStore {
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let parameters = admit_parameters(request, terms, now);
        self.on(&self.writes, move |connection| {
            async move {
                for _ in 0..ATTEMPTS {
                    let statement =
                        Statement::<Decided>::new(include_str!("admissions/admit.sql"), parameters.clone());
                    let row = statement.get_result(connection).await.optional().map_err(error::query)?;
                    if let Some(verdict) = verdict_of(row)? {
                        return Ok(verdict);
                    }
                }
                Err(StoreError::unavailable("the stream's session kept changing"))
            }
            .boxed()
        })
        .await
    }

    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (server, session, name) = match which {
            SessionSelector::Session { server, session, name } => {
                (server, Some(session.clone()), name.clone())
            }
            SessionSelector::Name { server, name } => (server, None, Some(name.clone())),
        };
        let parameters = vec![
            server.as_str().into(),
            Parameter::Text(session),
            Parameter::Text(name),
            reason.as_str().into(),
            now.into(),
            now.plus(-SETTLED_AFTER).into(),
        ];
        self.select_one(Statement::<Bool>::new(include_str!("admissions/end.sql"), parameters)).await
    }

    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let parameters = vec![Parameter::Number(Some(session.0)), now.into()];
        self.execute(Statement::new(include_str!("admissions/withdraw.sql"), parameters)).await.map(drop)
    }

    async fn note_attempt(&self, clues: &Clues, now: Timestamp) -> Result<Option<StreamId>, StoreError> {
        let parameters = vec![
            Parameter::Texts(clues.keys.iter().map(|key| key.expose().to_owned()).collect()),
            clues.as_key.as_str().into(),
            Parameter::Text(clues.playback_id.as_ref().map(ToString::to_string)),
            clues.as_name.as_str().into(),
            clues.server.as_str().into(),
            Parameter::Text(clues.address.map(|address| address.to_string())),
            now.into(),
        ];
        self.on(&self.writes, move |connection| {
            async move {
                let statement =
                    Statement::<Integer>::new(include_str!("admissions/note_attempt.sql"), parameters);
                let id: Option<i32> =
                    statement.get_result(connection).await.optional().map_err(error::query)?;
                Ok(id.map(StreamId))
            }
            .boxed()
        })
        .await
    }
}
