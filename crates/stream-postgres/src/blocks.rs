//! Users who may not stream.

use std::num::NonZeroU32;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::blocks::{Block, BlockPosition, BlockReason};
use stream_domain::ports::{BlockStore, StoreError};
use stream_domain::{Stream, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{self, StreamRow};
use crate::schema::blocked_users;
use crate::store::PostgresStore;

/// Names the locks of users who are being blocked, as the trigger `streams_heed_blocks` does: `bloc` in ASCII.
const LOCK: i32 = 0x626c_6f63;

/// A row of `stream_blocked_users`.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = blocked_users)]
struct BlockRow {
    user_id: i32,
    reason: Option<String>,
    blocked_at: PrimitiveDateTime,
}

impl From<&Block> for BlockRow {
    fn from(block: &Block) -> Self {
        Self {
            user_id: block.user.get(),
            reason: block.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            blocked_at: block.blocked_at.to_naive_utc(),
        }
    }
}

impl TryFrom<BlockRow> for Block {
    type Error = StoreError;

    fn try_from(row: BlockRow) -> Result<Self, StoreError> {
        let id = i64::from(row.user_id);
        let corrupt = |_| StoreError::Corrupt {
            table: "stream_blocked_users",
            id,
            reason: "user_id is not above zero",
        };
        Ok(Self {
            user: UserId::new(id).map_err(corrupt)?,
            reason: row.reason.map(BlockReason::stored),
            blocked_at: Timestamp::from_utc(row.blocked_at),
        })
    }
}

#[async_trait]
impl BlockStore for PostgresStore {
    async fn block_user(&self, block: &Block) -> Result<(Block, Option<Stream>), StoreError> {
        let block = block.clone();
        self.on(&self.writes, move |connection| {
            async move {
                // Each statement sees what was committed before it, and so what the lock was waited for.
                let mut transaction = connection.build_transaction().read_committed();
                let done = transaction.run(async |connection| {
                    lock(connection, block.user).await?;
                    let kept: BlockRow = diesel::insert_into(blocked_users::table)
                        .values(BlockRow::from(&block))
                        .on_conflict(blocked_users::user_id)
                        .do_update()
                        .set(blocked_users::reason.eq(excluded(blocked_users::reason)))
                        .returning(BlockRow::as_returning())
                        .get_result(connection)
                        .await?;
                    let stopped = row::stop(block.user, block.blocked_at).load(connection).await?;
                    Ok((kept, stopped))
                });
                let (kept, stopped): (BlockRow, Vec<StreamRow>) = done.await.map_err(error::query)?;
                let stopped = stopped.into_iter().next().map(Stream::try_from).transpose()?;
                Ok((kept.try_into()?, stopped))
            }
            .boxed()
        })
        .await
    }

    async fn unblock_user(&self, user: UserId) -> Result<Option<Block>, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let own = blocked_users::table.find(user.get());
                let lift = diesel::delete(own).returning(BlockRow::as_returning());
                // Read to the end: an error of the commit comes behind the row.
                let rows: Vec<BlockRow> = lift.load(connection).await.map_err(error::query)?;
                rows.into_iter().next().map(Block::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn list_blocks(
        &self,
        limit: NonZeroU32,
        after: Option<BlockPosition>,
    ) -> Result<Vec<Block>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                use blocked_users::{blocked_at, user_id};
                let mut rows = blocked_users::table.select(BlockRow::as_select()).into_boxed();
                if let Some(BlockPosition { blocked_at: at, user }) = after {
                    let at = at.to_naive_utc();
                    rows = rows.filter(blocked_at.lt(at).or(blocked_at.eq(at).and(user_id.lt(user.get()))));
                }
                let rows = rows.order((blocked_at.desc(), user_id.desc())).limit(limit.get().into());
                let rows: Vec<BlockRow> = rows.load(connection).await.map_err(error::query)?;
                let read = |row| {
                    Block::try_from(row)
                        .inspect_err(|error| tracing::error!(%error, "left out of a list"))
                        .ok()
                };
                Ok(rows.into_iter().filter_map(read).collect())
            }
            .boxed()
        })
        .await
    }
}

/// The user's block, if there is one.
pub(crate) async fn block_of(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<Option<Block>, StoreError> {
    let own = blocked_users::table.find(user.get()).select(BlockRow::as_select());
    let row: Option<BlockRow> = own.first(connection).await.optional().map_err(error::query)?;
    row.map(Block::try_from).transpose()
}

/// Waits for the starts of this user that are under way, and has those that come wait.
async fn lock(connection: &mut AsyncPgConnection, user: UserId) -> QueryResult<()> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1, $2)");
    lock.bind::<Integer, _>(LOCK).bind::<Integer, _>(user.get()).execute(connection).await.map(drop)
}
