//! Protocols that clients speak to this port by mistake: mostly they reveal which setting is wrong, and where.

/// A protocol other than HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connection) enum Protocol {
    Tls,
    Http2,
    Proxy,
    Rtmp,
}

/// The longest prefix that identifies a protocol, in bytes.
pub(super) const LONGEST_PREFIX: usize = 14;

impl Protocol {
    /// The protocol of these first bytes of a connection; `None` for HTTP/1 and unknown ones.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0x16, 0x03, ..] => Some(Self::Tls),
            [0x03, ..] => Some(Self::Rtmp),
            _ if first.starts_with(b"PRI * HTTP/2.0") => Some(Self::Http2),
            _ if first.starts_with(b"PROXY ") => Some(Self::Proxy),
            _ if first.starts_with(b"\r\n\r\n\0\r\nQUIT\n") => Some(Self::Proxy),
            _ => None,
        }
    }

    /// What was received, for the log.
    pub(in crate::connection) fn description(self) -> &'static str {
        match self {
            Self::Tls => "TLS on the plain port",
            Self::Http2 => "HTTP/2 without upgrade",
            Self::Proxy => "PROXY protocol",
            Self::Rtmp => "RTMP on the HTTP port",
        }
    }

    /// What to change, for the client.
    pub(in crate::connection) fn advice(self) -> &'static str {
        match self {
            Self::Tls => "This port speaks plain HTTP/1.1; terminate TLS at a proxy before it.",
            Self::Http2 => "This port speaks HTTP/1.1; set the proxy's upstream protocol to HTTP/1.1.",
            Self::Proxy => "This port does not accept the PROXY protocol; switch it off at the proxy.",
            Self::Rtmp => "This port speaks HTTP; publish to the media server's RTMP port.",
        }
    }
}
