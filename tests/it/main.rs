//! All integration tests, in one binary: linking is what takes the time.

mod journey;
mod practice;
mod signoff;
mod support;
