//! All integration tests, in one binary: linking is what takes the time.

#[path = "../browser/mod.rs"]
mod browser;
mod journey;
mod practice;
mod support;
