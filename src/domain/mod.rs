//! RULES. Values and decisions, pure: no I/O, no `async`, no clock, nothing of the database, the
//! web or Kubernetes.
//!
//! One file per stage of a release, in the order in which a release meets them: [`image`],
//! [`release`], [`signoff`], [`window`], [`clearance`], [`plan`], [`deployment`], [`cluster`],
//! [`announcement`], [`audit`]; around them [`person`], [`environment`], [`service`],
//! [`address`]. A new rule goes to the file of the stage it judges, with a test named after what it
//! promises.

pub mod address;
pub mod announcement;
pub mod audit;
pub mod canonical;
pub mod clearance;
pub mod cluster;
pub mod deployment;
pub mod environment;
pub mod id;
pub mod image;
pub mod name;
pub mod person;
pub mod plan;
pub mod refusal;
pub mod release;
pub mod service;
pub mod signoff;
pub mod text;
pub mod time;
pub mod window;
