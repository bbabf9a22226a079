//! All integration tests, in one binary: linking is what takes the time.

mod image;
mod journey;
mod practice;
mod release;
mod signoff;
mod window;
mod support;
