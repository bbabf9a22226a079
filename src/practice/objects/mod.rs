//! The objects of the practice cluster and the rules every write obeys, whoever
//! makes it: a client at the door or a controller inside.
//!
//! | file | what |
//! | --- | --- |
//! | `kinds` | the table of kinds |
//! | `object` | the parts of an object held as JSON |
//! | `store` | what is held, the version counter, the record of changes |
//! | `change` | what a change is: where, who, what became of it |
//! | `write`, `removal` | create, update and delete, with metadata as a real server keeps it |
//! | `managers` | who wrote which object last, and how |
//! | `defaults`, `validate` | what is filled in, what is refused |
//! | `patch`, `strategic` | the three patch formats |
//! | `selector` | labels and fields |
//! | `seed` | uids and names that are the same each time |
//! | `refused` | errors as `Status` objects |
//!
//! Not here: HTTP, accounts, anything that happens by itself.

pub(super) mod change;
pub(super) mod defaults;
pub(super) mod kinds;
pub(super) mod managers;
pub(super) mod object;
pub(super) mod patch;
pub(super) mod refused;
pub(super) mod removal;
pub(super) mod seed;
pub(super) mod selector;
pub(super) mod store;
pub(super) mod strategic;
pub(super) mod validate;
pub(super) mod write;
