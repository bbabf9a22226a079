//! All integration tests, in one binary: linking is what takes the time.

mod audit;
#[path = "../browser/mod.rs"]
mod browser;
mod image;
mod journey;
mod person;
mod practice;
mod release;
mod session;
mod signoff;
mod support;
mod token;
mod window;
