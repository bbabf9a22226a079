//! All integration tests, in one binary: linking is what takes the time.

mod announcements;
mod apply;
#[path = "../browser/mod.rs"]
mod browser;
mod cluster;
mod connection;
mod crash;
mod demo;
mod deploy;
mod deployment;
mod events;
mod executor;
mod journey;
mod outbound;
mod practice;
mod serve;
mod support;
mod user;
