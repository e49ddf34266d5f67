//! Labels that several metrics share.

/// The label of what belongs to no media server of the settings.
pub(crate) const UNLISTED: &str = "unlisted";
