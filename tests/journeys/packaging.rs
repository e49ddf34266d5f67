//! What operators install: the systemd unit, the Helm chart, the release archive.

mod helm;
mod release;
mod systemd;
