//! Tidegate: people sign off what CI built, announce when it goes out, and have it deployed to
//! Kubernetes inside that window. This page is the map of the house.
//!
//! Two questions place any line of code. *What kind of work is it?* gives the folder, the **room**.
//! *Which step of a release is it about?* gives the file, the **stage**; the same nouns recur in
//! every room:
//!
//! ```text
//! image ─▶ release ─▶ signoff ─▶ window ─▶ deployment ─▶ cluster ─▶ announcement, audit
//! ```
//!
//! # Rooms
//!
//! | room | what kind of work |
//! | --- | --- |
//! | [`domain`] | RULES: values and decisions, pure |
//! | [`store`] | MEMORY: the only room with SQL |
//! | [`vault`] | SECRETS: the only room with keys; who seals cannot open |
//! | [`workflow`] | VERBS: load, ask the domain, save with the audit entry, in one transaction |
//! | [`http`] | DOORS: pages and API; the only room with actix |
//! | [`runner`] | HANDS: background tasks that find rows and do what they ask for |
//! | [`cluster`] | THE FIELD: the only room with kube; knows no store |
//! | [`outbound`] | THE POST: the only HTTP client that leaves the building |
//! | [`practice`] | a practice Kubernetes API in the process, for the demo and the tests |
//! | [`cli`] | the roles of the one binary |
//!
//! Around them the plumbing, which is handed in and never reached for: [`config`], [`telemetry`],
//! [`clock`], [`random`], [`secret`], [`wake`], [`texts`], [`yaml`], [`protocol`], [`halt`]; and
//! [`portal`], which puts all of it together.
//!
//! # Arrows
//!
//! ```text
//! main → cli → portal ┬ http   → workflow → store → domain      (http reads through store::view)
//!                     │          workflow → vault (seal)
//!                     └ runner → workflow, vault (open), cluster → domain
//! cli → outbound          cli::demo → practice, workflow, cluster (a ground of its own, a narrow credential)
//! cli → vault             (a key ring for a place without a folder to keep one in)
//! ```
//!
//! `http` and `runner` never meet: one leaves rows, the other finds them; [`wake`] only shortens the
//! wait. `workflow` and `http` use the part of `cluster` that judges an uploaded kubeconfig, which
//! is parsing and touches no network. `tests/it/rooms.rs` reads the code and fails on any other
//! arrow.
//!
//! # One release, walked through
//!
//! 1. CI registers an image: `http::api::image` parses, [`workflow::image`] keeps it with its
//!    evidence.
//! 2. Somebody asks for a release: [`workflow::release`] commits it as *planning* and rings
//!    [`wake::Wake::Plan`].
//! 3. `runner::plan` opens the cluster's credential, [`cluster::observe`] reads what runs, and the
//!    plan and its content hash are stored ([`domain::release::Content`]). From here on nothing is
//!    chosen any more: what is signed is what is done.
//! 4. People sign: [`workflow::signoff`] keeps decisions, bound to that hash;
//!    [`domain::signoff`] counts them.
//! 5. `runner::clear`, or an operator, starts it: [`domain::clearance`] is the gate, and only it
//!    makes the [`domain::clearance::Clearance`] a deployment needs. The page's *why is this not
//!    going out?* comes from the same function.
//! 6. `runner::deploy` takes the deployment with a lease and an epoch; [`cluster::execute`] looks,
//!    writes each target at most once, and follows; [`cluster::rollout`] judges. Everything it must
//!    not forget goes into the journal before it acts.
//! 7. One verdict ends it. Each step has left an entry in the audit log, in the transaction of the
//!    change ([`store::audit`], [`domain::audit`]).

#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod domain;
pub mod halt;
pub mod http;
pub mod outbound;
pub mod portal;
pub mod practice;
pub mod protocol;
pub mod random;
pub mod runner;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod texts;
pub mod vault;
pub mod wake;
pub mod workflow;
pub mod yaml;
