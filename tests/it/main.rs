//! All integration tests, in one binary: linking is what takes the time.

mod apply;
mod journey;
mod practice;
mod support;
