//! The hooks of a media server: what its configuration says, and whether its URLs lead to this service.

use std::collections::BTreeSet;

use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{HookSettings, HookUrl};
use stream_domain::{Finding, ServerName};
use stream_http::{HookServer, HookUrlFault, judge_hook_url, path_to_try};
use tokio::time::timeout;

use super::port::Here;
use super::surroundings::{LIMIT, Surroundings};

/// Examines the hooks of this media server, on both sides.
pub(super) async fn examine(
    around: &Surroundings<'_>,
    here: &Here,
    server: &ServerName,
    profile: &ServerProfile,
) -> Vec<Finding> {
    let subject = format!("hooks of {server}");
    if profile.family.capabilities().has_gate {
        return vec![Finding::ok(subject, "it has no hooks: its gate asks for each key")];
    }
    let Some(known) = around.hook_servers.get(server) else { return Vec::new() };
    let (there, ours) =
        tokio::join!(there(around, here, server, (profile, known)), ours(around, here, server, known));
    there.into_iter().chain(ours).collect()
}

/// What the media server's own configuration says.
async fn there(
    around: &Surroundings<'_>,
    here: &Here,
    server: &ServerName,
    (profile, known): (&ServerProfile, &HookServer),
) -> Vec<Finding> {
    let subject = format!("hooks of {server}");
    let unreadable = || Finding::ok(&subject, "its configuration cannot be read from here");
    let Some(control) = &profile.control else { return vec![unreadable()] };
    let settings = match timeout(LIMIT, control.hook_settings()).await {
        // A control interface that fails is a finding already.
        Ok(Err(_)) | Err(_) => return Vec::new(),
        Ok(Ok(settings)) => settings,
    };
    match settings {
        HookSettings::Unreadable => vec![unreadable()],
        HookSettings::Off(setting) => vec![Finding::failure(
            subject,
            format!("it asks nobody about publishers: {setting} is missing or off there"),
            format!("set it as docs/media-servers says for {}", profile.family.as_str()),
        )],
        HookSettings::Set(urls) => {
            let (mut findings, mut tried) = (Vec::new(), BTreeSet::new());
            for HookUrl { setting, url } in urls {
                if let Err(fault) = judge_hook_url(&url, server, known) {
                    findings.push(wrong_url(&subject, setting, server, &fault));
                } else if tried.insert(url.clone()) {
                    findings.push(try_url(around, here, &subject, (setting, &url)).await);
                }
            }
            findings
        }
    }
}

fn wrong_url(subject: &str, setting: &str, server: &ServerName, fault: &HookUrlFault) -> Finding {
    let cure = match fault {
        HookUrlFault::NoSecret | HookUrlFault::WrongSecret => {
            format!("set the same secret in {setting} there and as secret= of {server} in MEDIA_SERVERS")
        }
        HookUrlFault::OtherPath | HookUrlFault::OtherFamily(_) | HookUrlFault::OtherServer(_) => {
            format!("correct {setting} there: the URL ends with /hooks/{{family}}/{server} and the secret")
        }
    };
    Finding::failure(subject, format!("the URL in {setting} is wrong: {fault}"), cure)
}

/// Whether a URL of the configuration leads to this service; it is asked as nobody but a person does, without effect.
async fn try_url(
    around: &Surroundings<'_>,
    here: &Here,
    subject: &str,
    (setting, url): (&str, &str),
) -> Finding {
    let host = url::Url::parse(url)
        .ok()
        .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    let host = host.unwrap_or_else(|| "its host".to_owned());
    let cure = format!(
        "correct {setting} there, so that it leads to this service as it is reached from the media server; look for a \
         firewall, or a proxy that does not pass /hooks on"
    );
    match around.probe.get(url, &[]).await {
        // The second is for families that sign their hooks, which this question is not.
        Ok(answer) if answer.status == 204 || is_refused_hook(&answer.body) && url_is_unsigned(url) => {
            Finding::ok(subject, format!("{setting} leads to this service at {host}"))
        }
        Ok(answer) if is_refused_hook(&answer.body) => Finding::failure(
            subject,
            format!("the service at {host} refuses the URL in {setting}"),
            "that instance runs with other settings than these: restart it with the same MEDIA_SERVERS",
        ),
        Ok(answer) => Finding::failure(
            subject,
            format!(
                "{host}, where {setting} leads, answers with status {}, as this service does not",
                answer.status
            ),
            cure,
        ),
        Err(_) if here.running.is_none() => Finding::warning(
            subject,
            format!("{host}, where {setting} leads, does not answer, and the service does not run here"),
            "start the service, and run doctor again",
        ),
        Err(reason) => Finding::failure(
            subject,
            format!("{host}, where {setting} leads, cannot be reached from here: {reason}"),
            cure,
        ),
    }
}

/// Whether the URL has no secret, as those of families that sign have none.
fn url_is_unsigned(url: &str) -> bool {
    url.contains("/hooks/ovenmediaengine/")
}

/// Whether this service answered so; the second is for those that were refused often lately.
fn is_refused_hook(body: &str) -> bool {
    let view: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    view["code"] == "hook_refused" || view["code"] == "too_many_requests"
}

/// Whether the service that runs here takes this media server's hooks, as these settings say.
async fn ours(
    around: &Surroundings<'_>,
    here: &Here,
    server: &ServerName,
    known: &HookServer,
) -> Option<Finding> {
    let (running, path) = (here.running?, path_to_try(server, known)?);
    let subject = format!("hooks of {server}");
    let cure =
        "the instance here runs with other settings than these: restart it with the same MEDIA_SERVERS";
    Some(match around.probe.get(&format!("http://{running}{path}"), &[]).await {
        Ok(answer) if answer.status == 204 => {
            Finding::ok(subject, "the service here takes them with this secret")
        }
        Ok(answer) if is_refused_hook(&answer.body) => Finding::failure(
            subject,
            "the service here refuses this media server's name, family or secret",
            cure,
        ),
        Ok(answer) => Finding::warning(
            subject,
            format!("the service here answers with status {}", answer.status),
            "look at its log",
        ),
        Err(reason) => Finding::failure(
            subject,
            format!("the service here does not answer: {reason}"),
            "look at its log",
        ),
    })
}
