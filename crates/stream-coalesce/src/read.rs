//! A read for many callers, and why one of them gets no response.

/// A read that serves many requests at once.
pub trait BatchRead: Send + Sync + 'static {
    /// What a caller asks for.
    type Request: Send + 'static;
    /// What it gets.
    type Response: Send + 'static;
    /// Why a read fails; each caller of the batch gets it.
    type Error: Clone + Send + 'static;

    /// Reads the responses to all of these requests, one for each, in their order.
    ///
    /// They MUST be read after the call.
    /// There is at least one request.
    /// The read runs to its end even if every caller leaves, so it MUST end by itself, in good time.
    fn read(
        &self,
        requests: Vec<Self::Request>,
    ) -> impl Future<Output = Result<Vec<Self::Response>, Self::Error>> + Send;
}

/// Why a caller gets no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError<E> {
    /// [`Limits::max_waiting`](crate::Limits::max_waiting) requests wait already; nothing was read.
    #[error("too many requests are waiting already")]
    Full,
    /// The read failed.
    #[error("the read failed")]
    Failed(E),
    /// The read panicked, or its runtime ended.
    #[error("the read was abandoned")]
    Abandoned,
}
