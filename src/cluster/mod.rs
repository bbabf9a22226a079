//! THE FIELD. Only here is kube; knows no store.
//!
//! [`kubeconfig`] is the gate: it turns an uploaded file into a [`credential`] or refuses it, with
//! no network and without kube, which runs commands that such a file names. [`rights`] lists what
//! the job needs in a cluster, and [`script`] makes an account with just that.
//!
//! [`connect`] makes a connection from a credential; [`probe`] and [`observe`] look. [`execute`]
//! carries out a plan, [`target`] by target: it makes each one's only [`write`](mod@write) and [`follow`]s the
//! rollout, whose [`sights`] the [`rollout`] judge judges, from the pods' own states.
//!
//! [`ground`] makes a namespace for the demo, and takes it away again; nothing else here creates or
//! deletes.
//!
//! What does not live here: where a credential is kept (`vault`, `store`), who may upload one
//! (`workflow`), how it looks (`http`).

pub mod connect;
pub mod credential;
pub mod error;
pub mod execute;
mod follow;
pub mod ground;
pub mod kubeconfig;
mod managers;
pub mod observe;
pub mod probe;
pub mod rights;
pub mod rollout;
pub mod script;
mod sights;
mod target;
mod write;
