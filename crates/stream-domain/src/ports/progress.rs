//! Shows how a long operation goes on.

/// Shows how a long operation goes on, a step after the other.
pub trait Progress: Send + Sync {
    /// A step begins that will change `total` rows; `None` where nobody can tell.
    fn begin(&self, step: &str, total: Option<u64>);

    /// So many more rows are done.
    fn advance(&self, rows: u64);

    /// The step is done.
    fn end(&self);
}
