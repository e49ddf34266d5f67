//! What is spoken to a port that speaks plain HTTP/1.1: mostly it tells which setting is wrong, and where.

/// A protocol other than HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Tls,
    Http2,
    ProxyProtocol,
    Rtmp,
}

/// How many bytes are needed to tell.
pub(super) const LONGEST_MARK: usize = 14;

impl Speaks {
    /// Reads the first bytes of a connection.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0x16, 0x03, ..] => Some(Self::Tls),
            [0x03, ..] => Some(Self::Rtmp),
            _ if first.starts_with(b"PRI * HTTP/2.0") => Some(Self::Http2),
            _ if first.starts_with(b"PROXY ") => Some(Self::ProxyProtocol),
            _ if first.starts_with(b"\r\n\r\n\0\r\nQUIT\n") => Some(Self::ProxyProtocol),
            _ => None,
        }
    }

    /// For the log.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Tls => "TLS on the plain port",
            Self::Http2 => "HTTP/2 without upgrade",
            Self::ProxyProtocol => "PROXY protocol",
            Self::Rtmp => "RTMP on the HTTP port",
        }
    }

    /// For whom it concerns.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Tls => "This port speaks plain HTTP/1.1; let a proxy end TLS before it.",
            Self::Http2 => "This port speaks HTTP/1.1; set the proxy to HTTP/1.1 towards it.",
            Self::ProxyProtocol => "This port does not take the PROXY protocol; switch it off towards it.",
            Self::Rtmp => "This port speaks HTTP; publish to the media server's RTMP port.",
        }
    }
}
