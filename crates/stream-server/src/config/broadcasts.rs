//! The settings of publishers and their media servers, which `serve` and the commands of operators share.

use stream_domain::broadcasts::admission::{AddressForm, Takeover};
use stream_domain::events::EventOptions;
use stream_domain::lifecycle::KeyLifetime;

use crate::config::flags::Flags;
use crate::config::media_servers::MediaServerConfig;
use crate::config::{bases, media_servers};

/// How publishers are admitted, and at which media servers.
pub(crate) struct BroadcastConfig {
    /// The application that publishers go to: the path of `RTMP_BASE_URL`.
    pub(crate) application: String,
    /// Where the key is in addresses.
    pub(crate) address_form: AddressForm,
    /// The media servers.
    pub(crate) media_servers: Vec<MediaServerConfig>,
    /// Who may take over from a live publisher.
    pub(crate) takeover: Takeover,
    /// Within which time a publisher that comes back continues the same broadcast.
    pub(crate) reconnect_window: time::Duration,
    /// How long events are kept.
    pub(crate) events_kept_for: time::Duration,
    /// How long new keys live.
    pub(crate) key_lifetime: KeyLifetime,
}

impl BroadcastConfig {
    /// What the log of events follows.
    pub(crate) fn event_options(&self) -> EventOptions {
        EventOptions { reconnect_window: self.reconnect_window, kept_for: self.events_kept_for }
    }

    /// Parses the settings of broadcasts; an error names the setting.
    pub(super) fn parse(flags: &Flags) -> Result<Self, String> {
        let named = |name: &'static str| move |reason: String| format!("{name}: {reason}");
        let rtmp_base = bases::parse_rtmp_base(&flags.rtmp_base_url).map_err(named("RTMP_BASE_URL"))?;
        let key_lifetime = KeyLifetime::from_hours(flags.key_lifetime_hours).unwrap_or_default();
        let servers = flags.media_servers.as_deref().unwrap_or_default();
        Ok(Self {
            application: bases::application_of(&rtmp_base).map_err(named("RTMP_BASE_URL"))?,
            address_form: flags.addresses,
            media_servers: media_servers::parse(servers, key_lifetime).map_err(named("MEDIA_SERVERS"))?,
            takeover: flags.takeover,
            reconnect_window: time::Duration::seconds(flags.reconnect_window.into()),
            events_kept_for: time::Duration::days(flags.event_retention_days.into()),
            key_lifetime,
        })
    }
}
