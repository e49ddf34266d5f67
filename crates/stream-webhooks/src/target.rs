//! An endpoint's address, checked.

use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

use crate::networks::{Networks, Scheme};

/// How long an address may be, in characters; one that is normalized has only ASCII.
const MAX_LENGTH: usize = 2048;

/// Where a message goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    /// The normalized address: whatever form an IP address was written in, it has only one here.
    pub(crate) url: Url,
    /// The same for those who connect and send.
    pub(crate) uri: Uri,
}

impl Target {
    /// Reads an address, and judges it as far as can be told without asking for its name; the error follows its name.
    pub(crate) fn read(text: &str, networks: &Networks) -> Result<Self, String> {
        let too_long = || format!("must have at most {MAX_LENGTH} characters");
        if text.chars().nth(MAX_LENGTH).is_some() {
            return Err(too_long());
        }
        let url = Url::parse(text).map_err(|_| must_be(networks))?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" if !networks.0.is_empty() => Scheme::Http,
            _ => return Err(must_be(networks)),
        };
        if url.as_str().len() > MAX_LENGTH {
            return Err(too_long());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must have no user or password".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must have no fragment".to_owned());
        }
        if url.port() == Some(0) {
            return Err("must have a port other than 0".to_owned());
        }
        let uri = Uri::try_from(url.as_str()).map_err(|_| must_be(networks))?;
        let target = Self { scheme, url, uri };
        if let Some(ip) = target.literal().filter(|ip| !networks.permit(scheme, *ip)) {
            return Err(refusal(ip, scheme));
        }
        Ok(target)
    }

    /// The IP address that stands in the place of a name.
    ///
    /// What connects takes any host for one that the standard library reads as one, so that is looked at too.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(name) => name.parse().ok(),
        }
    }

    /// The name to ask for; of a literal address the text of it.
    pub(crate) fn name(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

fn must_be(networks: &Networks) -> String {
    let or_plain = if networks.0.is_empty() { "" } else { " or, within WEBHOOK_NETWORKS, http://" };
    format!("must be an https:// address{or_plain}")
}

fn refusal(ip: IpAddr, scheme: Scheme) -> String {
    match scheme {
        Scheme::Https => {
            format!("{ip} is no public address; the operator allows others by WEBHOOK_NETWORKS")
        }
        Scheme::Http => format!("{ip} is not in WEBHOOK_NETWORKS, so it must be an https:// address"),
    }
}
