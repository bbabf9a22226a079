//! THE POST. The only HTTP client that leaves the building.
//!
//! [`guard`] says where a request may go and what its answer may be like; [`portal`] is the client
//! that the command line speaks to a portal with. Registries, chat and mail come with their steps.
//! (Clusters are reached from `cluster`, under a profile of their own.)
//!
//! To add a client: a file here that builds its connection with [`guard::client`] and reads answers
//! with [`guard::read`], so that the same limits hold for it.

pub mod guard;
pub mod portal;
