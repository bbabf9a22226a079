//! Tidegate.
pub mod cluster;
pub mod domain;
pub mod yaml;
