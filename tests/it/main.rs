//! All integration tests, in one binary: linking is what takes the time.

mod announcements;
#[path = "../browser/mod.rs"]
mod browser;
mod cluster;
mod connection;
mod crash;
mod deployment;
mod events;
mod executor;
mod journey;
mod practice;
mod serve;
mod support;
