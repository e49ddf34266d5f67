//! Dialects, held to the recorded bytes.
