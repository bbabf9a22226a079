//! All integration tests, in one binary: linking is what takes the time.

// The world that the tests make has its own time, and real processes have the system's.
#![allow(clippy::disallowed_methods)]

mod announcements;
mod apply;
mod audit;
#[path = "../browser/mod.rs"]
mod browser;
mod cluster;
mod connection;
mod crash;
mod crowd;
mod demo;
mod deploy;
mod deployment;
mod doors;
mod escalation;
mod events;
mod executor;
mod histories;
mod image;
mod journey;
mod keyring;
mod openapi;
mod outbound;
mod pages;
mod person;
mod practice;
mod promises;
mod refusals;
mod release;
mod rooms;
mod schema;
mod secrets;
mod serve;
mod session;
mod settings;
mod signoff;
mod support;
mod token;
mod user;
mod window;
mod words;
mod writer;
