//! Users who may not stream.

use std::num::NonZeroU32;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::upsert::excluded;
use stream_domain::blocks::{Block, BlockPosition, BlockReason};
use stream_domain::ports::{BlockStore, StoreError};
use stream_domain::{Stream, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::row;
use crate::schema::blocked_users;
use crate::store::SqliteStore;

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
impl BlockStore for SqliteStore {
    async fn block_user(&self, block: &Block) -> Result<(Block, Option<Stream>), StoreError> {
        let block = block.clone();
        self.write(move |connection| {
            let kept: BlockRow = diesel::insert_into(blocked_users::table)
                .values(BlockRow::from(&block))
                .on_conflict(blocked_users::user_id)
                .do_update()
                .set(blocked_users::reason.eq(excluded(blocked_users::reason)))
                .returning(BlockRow::as_returning())
                .get_result(connection)
                .map_err(error::query)?;
            let stopped = row::stop(connection, block.user, block.blocked_at).map_err(error::query)?;
            Ok((kept.try_into()?, stopped.map(Stream::try_from).transpose()?))
        })
        .await
    }

    async fn unblock_user(&self, user: UserId) -> Result<Option<Block>, StoreError> {
        self.write(move |connection| {
            let own = blocked_users::table.find(user.get());
            let lift = diesel::delete(own).returning(BlockRow::as_returning());
            let row: Option<BlockRow> = lift.get_result(connection).optional().map_err(error::query)?;
            row.map(Block::try_from).transpose()
        })
        .await
    }

    async fn list_blocks(
        &self,
        limit: NonZeroU32,
        after: Option<BlockPosition>,
    ) -> Result<Vec<Block>, StoreError> {
        self.read(move |connection| {
            use blocked_users::{blocked_at, user_id};
            let mut rows = blocked_users::table.select(BlockRow::as_select()).into_boxed();
            if let Some(BlockPosition { blocked_at: at, user }) = after {
                let at = at.to_naive_utc();
                rows = rows.filter(blocked_at.lt(at).or(blocked_at.eq(at).and(user_id.lt(user.get()))));
            }
            let rows = rows.order((blocked_at.desc(), user_id.desc())).limit(limit.get().into());
            let rows: Vec<BlockRow> = rows.load(connection).map_err(error::query)?;
            let read = |row| {
                Block::try_from(row).inspect_err(|error| tracing::error!(%error, "left out of a list")).ok()
            };
            Ok(rows.into_iter().filter_map(read).collect())
        })
        .await
    }
}

/// The user's block, if there is one.
pub(crate) fn block_of(connection: &mut SqliteConnection, user: UserId) -> Result<Option<Block>, StoreError> {
    let own = blocked_users::table.find(user.get()).select(BlockRow::as_select());
    let row: Option<BlockRow> = own.first(connection).optional().map_err(error::query)?;
    row.map(Block::try_from).transpose()
}
