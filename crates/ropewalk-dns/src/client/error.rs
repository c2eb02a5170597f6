//! [`LookupError`]: why there is no answer, or not the one that was hoped for.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use domain::base::iana::{OptRcode, Rcode};
use ropewalk_core::{Failure, FailureKind};

use super::query::Question;
use super::response::shown;

/// What became of a question that was not answered. A [`Failure`] of a lookup was caused by one of these
/// ([`check`](Failure::check)), or by the network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// The name does not exist, for no type (NXDOMAIN).
    NoSuchName {
        /// What was asked.
        question: Question,
        /// Who said so; `None` if it was found without asking.
        server: Option<SocketAddr>,
    },
    /// The name exists, and has no record of the type (RFC 2308, section 2.2).
    NoData {
        /// What was asked.
        question: Question,
        /// Who said so; `None` if it was found without asking.
        server: Option<SocketAddr>,
    },
    /// The server will not answer this (REFUSED).
    Refused {
        /// What was asked.
        question: Question,
        /// Who refused.
        server: SocketAddr,
    },
    /// The server has failed: SERVFAIL, or another code that says that it cannot answer.
    ServerFailed {
        /// What was asked.
        question: Question,
        /// Who failed.
        server: SocketAddr,
        /// How.
        rcode: OptRcode,
    },
    /// No server has answered in time.
    TimedOut {
        /// What was asked.
        question: Question,
        /// Who was asked, in that order.
        servers: Vec<SocketAddr>,
        /// How long answers were waited for.
        after: Duration,
    },
    /// The name is an alias of an alias, and so on, for longer than is followed.
    TooManyAliases {
        /// What was asked.
        question: Question,
        /// How many were followed.
        followed: usize,
    },
}

impl LookupError {
    /// Whose fault it is.
    fn kind(&self) -> FailureKind {
        match self {
            Self::TimedOut { .. } => FailureKind::Timeout,
            Self::TooManyAliases { .. } => FailureKind::Limit,
            _ => FailureKind::Peer,
        }
    }

    /// What was asked.
    pub fn question(&self) -> &Question {
        match self {
            Self::NoSuchName { question, .. }
            | Self::NoData { question, .. }
            | Self::Refused { question, .. }
            | Self::ServerFailed { question, .. }
            | Self::TimedOut { question, .. }
            | Self::TooManyAliases { question, .. } => question,
        }
    }

    /// Itself as a failure.
    #[track_caller]
    pub(crate) fn into_failure(self) -> Failure {
        Failure::from_error(self.kind(), self)
    }

    /// What an answer with this code means, if it is none that holds records.
    pub fn from_rcode(rcode: OptRcode, question: Question, server: SocketAddr) -> Option<Self> {
        match rcode {
            OptRcode::NOERROR => None,
            OptRcode::NXDOMAIN => Some(Self::NoSuchName { question, server: Some(server) }),
            OptRcode::REFUSED => Some(Self::Refused { question, server }),
            _ => Some(Self::ServerFailed { question, server, rcode }),
        }
    }
}

/// One line that says who was asked what: `no such name: x.example (asked 192.0.2.1:53 for A)`.
impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName { question, server } => {
                write!(f, "no such name: {}{}", question.qname(), Asked(server, question))
            }
            Self::NoData { question, server } => {
                let (name, rtype) = (question.qname(), question.qtype());
                write!(f, "{name} has no {rtype} record{}", Asked(server, question))
            }
            Self::Refused { question, server } => {
                write!(f, "{server} refuses to answer {}", shown(question))
            }
            Self::ServerFailed { question, server, rcode } => {
                write!(f, "{server} fails to answer {}: {rcode}", shown(question))
            }
            Self::TimedOut { question, servers, after } => {
                let servers: Vec<_> = servers.iter().map(SocketAddr::to_string).collect();
                let (question, servers) = (shown(question), servers.join(", "));
                write!(f, "no answer to {question} in {after:?}; asked {servers}")
            }
            Self::TooManyAliases { question, followed } => {
                write!(f, "{} is an alias of more than {followed} aliases", question.qname())
            }
        }
    }
}

/// Who was asked for what, in brackets.
struct Asked<'a>(&'a Option<SocketAddr>, &'a Question);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(server) => write!(f, " (asked {server} for {})", self.1.qtype()),
            None => Ok(()),
        }
    }
}

impl Error for LookupError {}

/// Whether a server could not take a query as it was put: what one without EDNS says to a query with it.
pub(crate) fn is_complaint(rcode: OptRcode) -> bool {
    let plain = [Rcode::FORMERR, Rcode::NOTIMP].map(OptRcode::from);
    plain.contains(&rcode) || rcode == OptRcode::BADVERS
}
