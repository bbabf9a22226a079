//! THE FIELD. Only here is kube; knows no store.
//!
//! [`kubeconfig`] is the gate: it turns an uploaded file into a [`credential`] or refuses it, with
//! no network and without kube, which runs commands that such a file names. [`rights`] lists what
//! the job needs in a cluster, and [`script`] makes an account with just that.
//!
//! What does not live here: where a credential is kept (`vault`, `store`), who may upload one
//! (`workflow`), how it looks (`http`).

pub mod credential;
pub mod kubeconfig;
pub mod rights;
pub mod script;
