//! Cases that hold on the practice cluster and on a real control plane alike.

use futures_util::future::BoxFuture;

use super::bench::Place;

/// Gives an asynchronous function the form of a case.
macro_rules! case {
    ($name:ident) => {
        (stringify!($name), |place| Box::pin($name(place)))
    };
}

pub mod requests;
pub mod rollouts;

/// What is done in a namespace of its own.
pub type Case = fn(Place) -> BoxFuture<'static, ()>;
