//! Tidegate.

pub mod practice;
