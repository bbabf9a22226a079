//! All integration tests, in one binary: linking is what takes the time.

mod deployment;
mod journey;
mod practice;
mod support;
