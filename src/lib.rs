//! Tidegate.
pub mod domain;
pub mod practice;
