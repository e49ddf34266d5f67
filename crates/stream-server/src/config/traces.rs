//! `OTEL_EXPORTER_OTLP_ENDPOINT` and the other standard variables of OpenTelemetry that decide where traces go.
//!
//! The SDK reads further ones itself: what the service is called, which traces are sampled, and how many spans are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use stream_http::TraceSampler;
use url::Url;

use crate::value;

/// The path below `OTEL_EXPORTER_OTLP_ENDPOINT` that the standard has for traces.
const PATH: &str = "v1/traces";

/// How long a collector has to answer, as the standard has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TracesConfig {
    /// The whole URL; it may hold a password.
    pub(crate) url: String,
    /// How long the collector has to answer.
    pub(crate) timeout: Duration,
    /// Which requests are traced.
    pub(crate) sampler: TraceSampler,
}

impl TracesConfig {
    /// Reads where traces go, or `None` if they go nowhere; an error names the setting and never shows its value.
    pub(super) fn parse(
        endpoint: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, String> {
        let set =
            |name: &str| environment.get(name).map(|text| value::plain(text)).filter(|text| !text.is_empty());
        // The variables of traces alone go before those of all signals.
        let either = |name: &str| {
            let own = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
            let common = format!("OTEL_EXPORTER_OTLP_{name}");
            set(&own).map(|value| (own, value)).or_else(|| set(&common).map(|value| (common, value)))
        };
        if set("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        match set("OTEL_TRACES_EXPORTER") {
            Some("none") => return Ok(None),
            None | Some("otlp") => {}
            Some(_) => return Err("OTEL_TRACES_EXPORTER: it must be otlp or none".to_owned()),
        }
        let url = if let Some(own) = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            parse_url(own).map_err(|reason| format!("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {reason}"))?
        } else if let Some(base) = endpoint.map(value::plain).filter(|base| !base.is_empty()) {
            let mut url =
                parse_url(base).map_err(|reason| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {reason}"))?;
            url.set_path(&format!("{}/{PATH}", url.path().trim_end_matches('/')));
            url
        } else {
            return Ok(None);
        };
        if let Some((name, protocol)) = either("PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(format!(
                "{name}: it must be http/protobuf; a collector listens for that on port 4318 as a rule"
            ));
        }
        if let Some((name, compression)) = either("COMPRESSION")
            && !matches!(compression, "gzip" | "none")
        {
            return Err(format!("{name}: it must be gzip or none"));
        }
        let timeout = match either("TIMEOUT") {
            None => TIMEOUT,
            Some((name, text)) => {
                let millis =
                    text.parse().map_err(|_| format!("{name}: it must be milliseconds, such as 10000"))?;
                Duration::from_millis(millis)
            }
        };
        let sampler = parse_sampler(set("OTEL_TRACES_SAMPLER"), set("OTEL_TRACES_SAMPLER_ARG"))?;
        Ok(Some(Self { url: url.into(), timeout, sampler }))
    }
}

fn parse_sampler(word: Option<&str>, argument: Option<&str>) -> Result<TraceSampler, String> {
    let ratio = || {
        let ratio: Option<f64> = argument.map_or(Some(1.0), |text| text.parse().ok());
        ratio.filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or_else(|| {
            "OTEL_TRACES_SAMPLER_ARG: it must be a number from 0 to 1, such as 0.01".to_owned()
        })
    };
    let word = word.unwrap_or("parentbased_always_on");
    let (follows_parent, of_roots) =
        word.strip_prefix("parentbased_").map_or((false, word), |of_roots| (true, of_roots));
    let ratio = match of_roots {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => ratio()?,
        _ => {
            return Err("OTEL_TRACES_SAMPLER: it must be always_on, always_off or traceidratio, \
                        or parentbased_ and one of these"
                .to_owned());
        }
    };
    Ok(TraceSampler { follows_parent, ratio })
}

fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("{error}; it must be a URL such as http://localhost:4318"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("it must begin with http:// or https://, such as http://localhost:4318".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
