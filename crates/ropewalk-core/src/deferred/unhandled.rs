//! The log line of a failure that nobody took.

use std::panic::Location;

use crate::{Failure, FailureKind};

/// Logs `failure`, which reached the end of a chain that nobody holds, with where that chain was made.
///
/// Being cancelled, and a reactor's stop, are not news: they are logged at debug level, the rest as errors.
pub(super) fn log(failure: &Failure, made_at: &Location<'_>) {
    match failure.kind() {
        FailureKind::Cancelled | FailureKind::Stopped => {
            tracing::debug!(target: TARGET, "nobody took a Deferred's failure: {failure:?}; Deferred made at {made_at}");
        }
        _ => {
            tracing::error!(target: TARGET, "unhandled failure in a Deferred: {failure:?}; Deferred made at {made_at}");
        }
    }
}

/// The name under which this room logs.
const TARGET: &str = "ropewalk::deferred";
