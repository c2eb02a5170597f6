//! [`Login`]: one way to log in after the other, until one succeeds (IRCv3 sasl-3.1 and 3.2).

use ropewalk_core::{Failure, FailureKind};

use crate::{Message, numeric};

use super::capabilities::Capabilities;
use super::options::ClientOptions;
use super::registration::{Lines, line};
use super::server_error::ServerError;

/// Which way to log in is being tried, and what came of it.
#[derive(Default)]
pub(crate) struct Login {
    trying: Option<usize>,
    /// The account that the server says this client is logged in to.
    pub(crate) account: Option<String>,
}

/// What follows.
pub(crate) enum Step {
    /// These lines are to be sent.
    Say(Lines),
    /// This client is logged in.
    Success,
    /// There is no way left.
    Failed(Failure),
}

impl Login {
    pub(crate) fn is_under_way(&self) -> bool {
        self.trying.is_some()
    }

    /// Tries the first way that the server offers.
    pub(crate) fn begin(&mut self, capabilities: &Capabilities, options: &ClientOptions) -> Step {
        let why = "the server offers no way to log in that this client has";
        self.try_from(0, capabilities, options, Failure::new(FailureKind::Peer, why))
    }

    /// A line came; `None` if it says nothing of this.
    pub(crate) fn heard(
        &mut self,
        message: &Message<'_>,
        capabilities: &Capabilities,
        options: &ClientOptions,
    ) -> Option<Step> {
        match message.command() {
            word if word.eq_ignore_ascii_case("AUTHENTICATE") => {
                Some(Step::Say(self.challenge_heard(message, options)))
            }
            numeric::RPL_LOGGEDIN => {
                self.account = message.param(2).map(str::to_owned);
                None
            }
            numeric::RPL_LOGGEDOUT => {
                self.account = None;
                None
            }
            numeric::RPL_SASLSUCCESS | numeric::ERR_SASLALREADY => {
                self.trying.take().map(|_| Step::Success)
            }
            numeric::ERR_NICKLOCKED
            | numeric::ERR_SASLFAIL
            | numeric::ERR_SASLTOOLONG
            | numeric::ERR_SASLABORTED => {
                let tried = self.trying.take()?;
                let failure = ServerError::from_message(message)?.into_failure();
                Some(self.try_from(tried + 1, capabilities, options, failure))
            }
            _ => None,
        }
    }

    /// The next way, from one on, that the server offers; if there is none, it has failed for this reason.
    fn try_from(
        &mut self,
        first: usize,
        capabilities: &Capabilities,
        options: &ClientOptions,
        why: Failure,
    ) -> Step {
        let offered = capabilities.offered("sasl").unwrap_or_default();
        let is_offered = |mechanism: &str| {
            let mut names = offered.split(',');
            offered.is_empty() || names.any(|name| name.eq_ignore_ascii_case(mechanism))
        };
        let ways = options.sasl.iter().enumerate().skip(first);
        let mut usable = ways.filter(|(_, sasl)| is_offered(sasl.mechanism()));
        match usable.next().filter(|_| capabilities.has("sasl")) {
            Some((index, sasl)) => {
                self.trying = Some(index);
                Step::Say(vec![line("AUTHENTICATE", &[sasl.mechanism()])])
            }
            None => Step::Failed(why.context("log in")),
        }
    }

    /// `AUTHENTICATE +` asks for the response. None of the mechanisms has another challenge.
    fn challenge_heard(&self, message: &Message<'_>, options: &ClientOptions) -> Lines {
        let sasl = self.trying.and_then(|index| options.sasl.get(index));
        match (message.param(0), sasl) {
            (Some("+"), Some(sasl)) => {
                sasl.response().iter().map(|piece| line("AUTHENTICATE", &[piece])).collect()
            }
            _ => vec![line("AUTHENTICATE", &["*"])],
        }
    }
}
