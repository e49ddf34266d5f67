//! `users`: users who may not stream.

use std::num::NonZeroU32;

use serde_json::{Value, json};
use stream_domain::blocks::BlockReason;
use stream_domain::{Block, UserId};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, instant, or_dash, second, show, table};
use crate::failure::Failure;

/// Blocks a user.
pub(super) async fn block(
    desk: &Desk,
    user: UserId,
    reason: Option<&str>,
    format: Format,
) -> Result<(), Failure> {
    let reason = BlockReason::parse(reason.unwrap_or_default());
    let reason = reason.map_err(|error| Failure::new(format!("--reason: {error}")))?;
    let blocked = desk.blocks.block(user, reason).await?;
    let mut json = view(&blocked.block);
    json["stopped_stream_id"] = json!(blocked.stopped.as_ref().map(|stream| stream.id.0));
    show(format, &json, || {
        let stopped = blocked.stopped.as_ref().map(|stream| format!(", and stopped stream {}", stream.id.0));
        format!("Blocked user {}{}.", user.get(), stopped.unwrap_or_default())
    })
}

/// Lifts a user's block.
pub(super) async fn unblock(desk: &Desk, user: UserId, format: Format) -> Result<(), Failure> {
    let lifted = desk.blocks.unblock(user).await?;
    let block = lifted.ok_or_else(|| Failure::new(format!("user {} is not blocked", user.get())))?;
    show(format, &view(&block), || format!("User {} may stream again.", user.get()))
}

/// Lists the users who are blocked, the latest block first.
pub(super) async fn list_blocked(desk: &Desk, limit: u32, format: Format) -> Result<(), Failure> {
    let page = desk.blocks.list(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN), None).await?;
    let json = json!({ "users": page.blocks.iter().map(view).collect::<Vec<_>>() });
    show(format, &json, || table(&["USER", "BLOCKED", "REASON"], page.blocks.iter().map(row).collect()))
}

fn view(block: &Block) -> Value {
    json!({
        "user_id": block.user.get(),
        "reason": block.reason.as_ref().map(BlockReason::as_str),
        "blocked_at": instant(block.blocked_at),
    })
}

fn row(block: &Block) -> Vec<String> {
    vec![
        block.user.get().to_string(),
        second(Some(block.blocked_at)),
        or_dash(block.reason.as_ref().map(BlockReason::as_str)),
    ]
}
