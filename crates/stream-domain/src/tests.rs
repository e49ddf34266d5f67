//! The domain alone: no runtime, no database, fractions of a second.

mod admission;
mod blocks;
mod boots;
mod broadcasts;
mod details;
mod keys;
mod pace;
mod store;
mod use_cases;
mod values;
