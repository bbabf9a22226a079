//! Doors for programs: JSON under `/api/v1`, by session or bearer token. A handler parses, calls a
//! verb, and shows what is there now; it decides nothing.

pub mod apply;
pub mod audit;
pub mod cluster;
pub mod credential;
pub mod deployment;
pub mod environment;
pub mod group;
pub mod image;
mod managed;
pub mod openapi;
pub mod person;
pub mod release;
pub mod release_view;
pub mod service;
pub mod session;
pub mod signoff;
pub mod target;
pub mod token;
pub mod window;
