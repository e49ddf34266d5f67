//! The addresses that publishers and viewers are given: whether something answers there, and whether pages may read it.

use std::num::NonZeroU32;

use stream_domain::catalog::CatalogQuery;
use stream_domain::{Finding, PageRequest};
use stream_http::Addresses;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::surroundings::{LIMIT, Surroundings};
use crate::wiring::Probed;

/// The port of RTMP and of RTMP over TLS, where the address names none.
const PORTS: [(&str, u16); 2] = [("rtmp", 1935), ("rtmps", 443)];

/// Where a page comes from that no setting names.
const SOME_PAGE: &str = "https://viewer.example";

/// Examines both addresses.
pub(super) async fn examine(around: &Surroundings<'_>, has_database: bool) -> Vec<Finding> {
    let (publishers, viewers) =
        tokio::join!(examine_publishers(&around.config.rtmp_base), examine_viewers(around, has_database));
    [vec![publishers], viewers].concat()
}

/// Whether anything accepts connections where publishers are sent.
async fn examine_publishers(base: &str) -> Finding {
    let subject = "RTMP_BASE_URL";
    let place = Url::parse(base).ok().and_then(|url| {
        let known = PORTS.iter().find(|(scheme, _)| *scheme == url.scheme()).map(|(_, port)| *port);
        Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port().or(known)?))
    });
    let Some((host, port)) = place else {
        return Finding::failure(subject, "names no host", "correct it: rtmp://host:1935/live");
    };
    let cure = "start the media server, or correct RTMP_BASE_URL; an address that only the public reaches cannot be tried \
                from here";
    match timeout(LIMIT, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::ok(subject, format!("{host}:{port} accepts connections")),
        Ok(Err(error)) => {
            Finding::warning(subject, format!("{host}:{port} cannot be reached: {error}"), cure)
        }
        Err(_elapsed) => Finding::warning(
            subject,
            format!("{host}:{port} does not answer within {} seconds", LIMIT.as_secs()),
            cure,
        ),
    }
}

/// Whether playlists can be fetched, and read by a page of another origin.
///
/// A stream that is live has a playlist; without one, what is served for a missing playlist must do.
async fn examine_viewers(around: &Surroundings<'_>, has_database: bool) -> Vec<Finding> {
    let config = around.config;
    let addresses = Addresses::new(&config.rtmp_base, &config.hls_base, config.broadcasts.address_form);
    let page = PageRequest { limit: NonZeroU32::new(1), after: None };
    let live = match has_database {
        true => {
            timeout(LIMIT, around.catalog.list(&CatalogQuery::live(page))).await.ok().and_then(Result::ok)
        }
        false => None,
    };
    let live = live.and_then(|(page, _)| page.streams.first().map(|stream| addresses.hls_url(stream)));
    let url = live.unwrap_or_else(|| format!("{}/doctor/index.m3u8", config.hls_base.trim_end_matches('/')));
    let origin = config.cors_origins.first().map_or(SOME_PAGE, String::as_str);
    match around.probe.get(&url, &[("origin", origin)]).await {
        Ok(answer) => vec![answered(&answer), cors(&answer, origin)],
        Err(reason) => {
            let what = format!("{} cannot be reached from here: {reason}", config.hls_base);
            let cure = "start the server of the playlists, or correct HLS_BASE_URL";
            // Before any media server is set up, nobody expects playlists.
            let is_expected = !config.broadcasts.media_servers.is_empty();
            vec![if is_expected {
                Finding::failure("HLS_BASE_URL", what, cure)
            } else {
                Finding::warning("HLS_BASE_URL", what, cure)
            }]
        }
    }
}

fn answered(answer: &Probed) -> Finding {
    let subject = "HLS_BASE_URL";
    match answer.status {
        200 => Finding::ok(subject, "serves the playlist of a live stream"),
        404 => Finding::ok(subject, "answers; there is no playlist to look at now"),
        status @ (401 | 403) => Finding::warning(
            subject,
            format!("refuses to show a playlist (status {status})"),
            "let viewers read playlists without a password, or ignore this if missing ones are answered so",
        ),
        status => Finding::failure(
            subject,
            format!("answers with status {status}"),
            "look at the log of the server of the playlists, or correct HLS_BASE_URL",
        ),
    }
}

/// Whether a page of this origin may read the playlist.
fn cors(answer: &Probed, origin: &str) -> Finding {
    let subject = "HLS CORS";
    let cure = "have the server of the playlists send Access-Control-Allow-Origin: * with every playlist and segment (nginx: \
                add_header Access-Control-Allow-Origin * always;)";
    match answer.header("access-control-allow-origin") {
        Some("*") => Finding::ok(subject, "pages of every origin may read playlists"),
        Some(allowed) if allowed == origin => {
            Finding::ok(subject, format!("pages of {origin} may read playlists"))
        }
        Some(_) => Finding::failure(
            subject,
            format!("pages of {origin} may not read playlists: another origin is allowed"),
            cure,
        ),
        None if answer.status == 200 => Finding::failure(
            subject,
            "pages of other origins may not read playlists: there is no Access-Control-Allow-Origin",
            cure,
        ),
        None => Finding::warning(
            subject,
            format!(
                "there is no Access-Control-Allow-Origin with a missing playlist (status {}); run doctor while a stream is \
                 live to see it with one",
                answer.status
            ),
            cure,
        ),
    }
}
