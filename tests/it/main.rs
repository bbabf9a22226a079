//! All integration tests, in one binary: linking is what takes the time.

mod announcements;
mod apply;
mod audit;
#[path = "../browser/mod.rs"]
mod browser;
mod cluster;
mod connection;
mod crash;
mod demo;
mod deploy;
mod deployment;
mod doors;
mod events;
mod executor;
mod histories;
mod image;
mod journey;
mod outbound;
mod person;
mod practice;
mod release;
mod rooms;
mod serve;
mod session;
mod signoff;
mod support;
mod token;
mod user;
mod window;
mod words;
