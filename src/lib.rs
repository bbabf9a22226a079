//! Tidegate.
pub mod clock;
pub mod cluster;
pub mod config;
pub mod domain;
pub mod halt;
pub mod protocol;
pub mod random;
pub mod runner;
pub mod secret;
pub mod store;
pub mod texts;
pub mod vault;
pub mod wake;
pub mod workflow;
pub mod yaml;
