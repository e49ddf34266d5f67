//! Streams and publishers for tests, which name only what matters to them.

use std::net::{IpAddr, Ipv4Addr};

use crate::broadcasts::admission::{Proof, PublishRequest, Takeover, Terms, Trigger};
use crate::broadcasts::session::PublishName;
use crate::lifecycle::KeyLifetime;
use crate::media_server::LEASE;
use crate::{NewStream, PlaybackId, Publisher, ServerName, StreamKey, Timestamp, UserId};

/// A stream that begins now, with a playback id that follows from its key.
pub fn new_stream(user: UserId, key: StreamKey, now: Timestamp) -> NewStream {
    let playback_id = playback_id_of(&key);
    NewStream::begin(&user.into(), key, playback_id, now, KeyLifetime::DEFAULT)
}

/// The playback id that [`new_stream`] gives; real ones have nothing to do with the key.
pub fn playback_id_of(key: &StreamKey) -> PlaybackId {
    // FNV-1a, of both ways to read the key: a hash is enough to tell a test's keys apart.
    let hash = |bytes: &mut dyn Iterator<Item = u8>| {
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let (there, back) = (hash(&mut key.expose().bytes()), hash(&mut key.expose().bytes().rev()));
    PlaybackId::parse(&format!("{there:016x}{back:016x}")).expect("hexadecimal digits are of the alphabet")
}

/// A publisher of `live/{name}` at the media server `edge`, from 192.0.2.`host`.
pub fn publisher(session: &str, name: &str, host: u8) -> Publisher {
    Publisher {
        server: ServerName::parse("edge").expect("a plain name"),
        session: session.to_owned(),
        application: "live".to_owned(),
        name: PublishName::new(name),
        protocol: "rtmp".to_owned(),
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host))),
    }
}

/// That publisher, asking by its name, which is the key.
pub fn asking(session: &str, key: &str, host: u8) -> PublishRequest {
    PublishRequest {
        trigger: Trigger::PublishRequest,
        publisher: publisher(session, key, host),
        proof: Proof::Key(StreamKey::parse(key).expect("a test's key is of the alphabet")),
        seen_at: Timestamp::MIN,
        boot_id: None,
        connection_number: None,
        confirmed: true,
    }
}

/// The terms that hold by default.
pub fn terms() -> Terms {
    Terms { takeover: Takeover::SameAddress, reconnect_window: time::Duration::seconds(60), lease: LEASE }
}
