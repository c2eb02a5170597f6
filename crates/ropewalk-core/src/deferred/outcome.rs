//! [`Outcome`]: what a callback may return.

use crate::Failure;

use super::Deferred;

/// What a callback may return: nothing, a `Result`, or a [`Deferred`] that the rest of the chain waits for.
pub trait Outcome {
    /// What the next callback of the chain gets on success.
    type Value: 'static;

    /// The same outcome as a Deferred. It is already fired unless the outcome was a pending one.
    fn into_deferred(self) -> Deferred<Self::Value>;
}

/// A callback that returns nothing succeeds with nothing.
impl Outcome for () {
    type Value = ();

    fn into_deferred(self) -> Deferred<()> {
        Deferred::succeed(())
    }
}

impl<T: 'static> Outcome for Result<T, Failure> {
    type Value = T;

    fn into_deferred(self) -> Deferred<T> {
        Deferred::from_result(self)
    }
}

impl<T: 'static> Outcome for Deferred<T> {
    type Value = T;

    fn into_deferred(self) -> Self {
        self
    }
}
