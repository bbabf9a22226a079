//! Tidegate.
pub mod domain;
pub mod yaml;
