//! [`FormError`]: why a request's body is not taken for a form.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use ropewalk_core::{Failure, FailureKind};

/// What is wrong with a form. A resource that fails with it, by `?` say, is answered with its
/// [`status`](Self::status).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// The type of the body is not one of a form.
    NotAForm(String),
    /// It breaks the rules of RFC 7578, or breaks off.
    Malformed(&'static str),
    /// It has more than `max` of something.
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: u64,
        /// The field of [`FormLimits`](crate::FormLimits) that says so.
        limit: &'static str,
    },
}

impl FormError {
    /// What a server answers.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotAForm(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooMuch { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    #[track_caller]
    pub(crate) fn into_failure(self) -> Failure {
        let is_limit = matches!(self, Self::TooMuch { .. });
        Failure::from_error(if is_limit { FailureKind::Limit } else { FailureKind::Peer }, self)
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAForm(kind) => write!(f, "{kind:?} is no type of a form"),
            Self::Malformed(why) => write!(f, "the form is malformed: {why}"),
            Self::TooMuch { what, max, limit } => {
                write!(f, "the form has more than {max} {what} ({limit})")
            }
        }
    }
}

impl Error for FormError {}
