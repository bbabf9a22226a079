//! All integration tests, in one binary: linking is what takes the time.

mod announcements;
mod audit;
#[path = "../browser/mod.rs"]
mod browser;
mod cluster;
mod doors;
mod events;
mod histories;
mod image;
mod journey;
mod person;
mod practice;
mod release;
mod rooms;
mod serve;
mod session;
mod signoff;
mod support;
mod token;
mod window;
mod words;
