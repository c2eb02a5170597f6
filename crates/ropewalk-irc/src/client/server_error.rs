//! [`ServerError`]: what a server did not do, and why.

use std::error::Error;
use std::fmt;

use ropewalk_core::{Failure, FailureKind};

use crate::{Message, numeric};

/// What a server did not do, by its numeric, by `FAIL` (IRCv3 standard-replies) or by `ERROR`.
///
/// It is what a [`Failure`] of a request was caused by: `failure.check::<ServerError>()`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerError {
    /// The numeric, as in [`numeric`]; of a `FAIL` its code, such as `INVALID_REALNAME`; or `ERROR`.
    pub code: String,
    /// What it is about: the parameters between this client's nick and the text.
    pub about: Vec<String>,
    /// What the server says to people.
    pub text: String,
}

impl ServerError {
    /// The error that a message is, if it is one.
    pub(crate) fn from_message(message: &Message<'_>) -> Option<Self> {
        let params = message.params();
        let is_busy = message.command() == numeric::RPL_TRYAGAIN;
        let (code, about) = if is_busy || numeric::is_error(message.command()) {
            (message.command(), params.get(1..params.len().saturating_sub(1)))
        } else if message.is("FAIL") && params.len() >= 3 {
            (params[1], params.get(2..params.len() - 1))
        } else if message.is("ERROR") {
            ("ERROR", None)
        } else {
            return None;
        };
        Some(Self {
            code: code.to_owned(),
            about: about.unwrap_or_default().iter().map(|&word| word.to_owned()).collect(),
            text: message.last_param().unwrap_or_default().to_owned(),
        })
    }

    /// The same as a [`Failure`]: the peer's.
    #[track_caller]
    pub fn into_failure(self) -> Failure {
        Failure::from_error(FailureKind::Peer, self)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if let Some(name) = numeric::name(&self.code) {
            write!(f, " {name}")?;
        }
        self.about.iter().try_for_each(|word| write!(f, " {word}"))?;
        write!(f, ": {}", self.text)
    }
}

impl Error for ServerError {}
