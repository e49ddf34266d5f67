//! `keys check`: whether a publisher with this key would be let in now, and if not why.

use serde_json::{Value, json};
use stream_domain::UserId;
use stream_domain::broadcasts::admission::{AddressForm, Refusal};
use stream_domain::broadcasts::{KeyCheck, KeyVerdict};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, argument, instant, show, table};
use crate::failure::Failure;

/// Judges a key; the failure says that no media server would let it in.
pub(super) async fn check(desk: &Desk, key: &str, form: AddressForm, format: Format) -> Result<(), Failure> {
    let found = desk.broadcasts.check_key(&argument(key)?).await?;
    show(format, &view(&found), || text(&found, form))?;
    let refused = match found.verdicts.as_slice() {
        [] => found.alone,
        verdicts if verdicts.iter().any(|verdict| verdict.refusal.is_none()) => None,
        verdicts => verdicts.first().and_then(|verdict| verdict.refusal),
    };
    refused.map_or(Ok(()), |refusal| Err(Failure::new(format!("the key would be refused: {refusal}"))))
}

fn view(found: &KeyCheck) -> Value {
    let verdict = |verdict: &KeyVerdict| {
        json!({
            "server": verdict.server.as_str(),
            "family": verdict.family.as_str(),
            "admitted": verdict.refusal.is_none(),
            "reason": verdict.refusal.map(Refusal::as_str),
            "unless_same_address": verdict.unless_same_address,
        })
    };
    json!({
        "publishable": found.alone.is_none(),
        "reason": found.alone.map(Refusal::as_str),
        "pasted_with_more": found.is_wrapped,
        "stream_id": found.stream.as_ref().map(|stream| stream.id.0),
        "user_id": found.stream.as_ref().and_then(|stream| stream.user_id).map(UserId::get),
        "expires_at": found.stream.as_ref().map(|stream| instant(stream.expires_at)),
        "live_session": found.live.as_ref().map(|live| live.id.0),
        "live_server": found.live.as_ref().map(|live| live.publisher.server.as_str()),
        "servers": found.verdicts.iter().map(verdict).collect::<Vec<_>>(),
    })
}

fn text(found: &KeyCheck, form: AddressForm) -> String {
    let mut lines = Vec::new();
    match &found.stream {
        None => lines.push("No stream has this key.".to_owned()),
        Some(stream) => {
            let user = stream.user_id.map(|user| format!(" of user {}", user.get())).unwrap_or_default();
            let status = stream.status_at(found.at).as_str();
            lines.push(format!(
                "Stream {}{user} is {status}; its key expires at {}.",
                stream.id.0,
                instant(stream.expires_at)
            ));
        }
    }
    if let Some(live) = &found.live {
        let from = live.publisher.address.map(|address| format!(" from {address}")).unwrap_or_default();
        lines.push(format!("Session {} is live with it at {}{from}.", live.id.0, live.publisher.server));
    }
    if found.is_wrapped && found.stream.is_some() && form == AddressForm::Key {
        lines.push("There is more around the key than an encoder may send: its stream key field takes the key alone.".to_owned());
    }
    let verdict = |verdict: &KeyVerdict| {
        let answer = match verdict.refusal {
            None => "let in".to_owned(),
            Some(refusal) if verdict.unless_same_address => {
                format!("refused: {refusal}; from the same address it would take over")
            }
            Some(refusal) => format!("refused: {refusal}"),
        };
        vec![verdict.server.to_string(), verdict.family.as_str().to_owned(), answer]
    };
    match (found.verdicts.as_slice(), found.alone) {
        ([], None) => lines.push(
            "A media server that asks about the key would let it in; MEDIA_SERVERS names none.".to_owned(),
        ),
        ([], Some(refusal)) => lines.push(format!("It would be refused: {refusal}.")),
        (verdicts, _) => {
            let rows = verdicts.iter().map(verdict).collect();
            lines.push(format!("\n{}", table(&["SERVER", "FAMILY", "A PUBLISHER WOULD BE"], rows)));
        }
    }
    lines.join("\n")
}
