//! Settings of a control interface that cannot be used.

/// Why a control interface cannot be used; shows nothing of its address, which holds credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidControl {
    /// It is no address of the form that is wanted.
    #[error("control must be http://host:port, with user:password@ where the server wants them")]
    Malformed,
    /// It is encrypted.
    #[error("control must be http://, not https://; reach the server over a private network")]
    Encrypted,
    /// This kind of server has no control interface that this service knows.
    #[error("this kind of media server cannot be controlled; leave control away")]
    NotSupported,
}
