//! The service's own port: free, or taken by this service, or by another program.

use std::net::{SocketAddr, TcpListener};

use serde_json::Value;
use stream_domain::Finding;

use crate::commands::healthcheck::reachable;
use crate::wiring::{Probe, Probed};

const SUBJECT: &str = "port";

/// What is at the service's own address.
pub(super) struct Here {
    /// Where the service that runs here is reached; `None` if none does.
    pub(super) running: Option<SocketAddr>,
    /// What was found.
    pub(super) findings: Vec<Finding>,
}

/// Asks the address for the readiness of this service, and else tries whether the port can be had.
pub(super) async fn examine(probe: &Probe, address: SocketAddr) -> Here {
    if address.port() == 0 {
        let finding = Finding::ok(SUBJECT, "0: the system chooses a free one at start");
        return Here { running: None, findings: vec![finding] };
    }
    let here = reachable(address);
    let asked = probe.get(&format!("http://{here}/health/ready"), &[]).await;
    let found = asked.as_ref().ok().and_then(|answer| readiness(address, answer));
    if let Some(finding) = found {
        return Here { running: Some(here), findings: vec![finding] };
    }
    let bound = tokio::task::spawn_blocking(move || TcpListener::bind(address)).await;
    let finding = match bound {
        Ok(Ok(_listener)) => {
            Finding::ok(SUBJECT, format!("{} is free; the service does not run here now", address.port()))
        }
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::AddrInUse => Finding::failure(
            SUBJECT,
            format!("{} is taken by another program", address.port()),
            "stop that program (ss -ltnp names it), or choose another port with PORT",
        ),
        Ok(Err(error)) => Finding::failure(
            SUBJECT,
            format!("cannot listen on {address}: {error}"),
            "choose an address of this machine with HOST, and a port above 1023 with PORT",
        ),
        Err(panic) => Finding::failure(SUBJECT, panic.to_string(), "report this as a defect"),
    };
    Here { running: None, findings: vec![finding] }
}

/// What this service says of itself; `None` where another program answered.
fn readiness(address: SocketAddr, answer: &Probed) -> Option<Finding> {
    let view: Value = serde_json::from_str(&answer.body).ok()?;
    match view["status"].as_str()? {
        "ready" => Some(Finding::ok(SUBJECT, format!("the service runs on {address} and is ready"))),
        "not_ready" => {
            let reason = view["error"].as_str().or(view["reason"].as_str()).unwrap_or("it does not say why");
            let what = format!("the service runs on {address} and is not ready: {reason}");
            Some(Finding::failure(SUBJECT, what, "look at its log, and at what is said of the database here"))
        }
        _ => None,
    }
}
