//! All integration tests, in one binary: linking is what takes the time.

mod audit;
mod image;
mod journey;
mod person;
mod practice;
mod release;
mod session;
mod signoff;
mod token;
mod window;
mod support;
