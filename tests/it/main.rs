//! All integration tests, in one binary: linking is what takes the time.

mod apply;
mod demo;
mod deploy;
mod journey;
mod practice;
mod support;
mod user;
