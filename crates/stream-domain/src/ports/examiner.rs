//! Looks at the installation as it runs.

use async_trait::async_trait;

use crate::Finding;

/// Examines the installation, as `stream-server doctor` does.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Examiner: Send + Sync {
    /// What an examination finds now.
    ///
    /// It MUST change nothing, and hold no key, password or secret.
    async fn examine(&self) -> Vec<Finding>;
}
