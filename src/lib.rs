//! Tidegate.
pub mod domain;
