//! [`Responder`]: what answers; and [`Reply`], an answer that is not there yet.

use bytes::Bytes;
use domain::base::iana::OptRcode;

use super::answer::Answer;
use super::query::{Carrier, Origin, Query};
use super::service::Pending;

/// What answers questions: zones, a forwarder, a recursive resolver, or several of them behind each other.
///
/// # Example: a server that says REFUSED
/// ```
/// use domain::base::iana::OptRcode;
/// use ropewalk_dns::server::{Answer, Query, Responder, Verdict};
///
/// struct Nobody;
///
/// impl Responder for Nobody {
///     fn respond(&self, _: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
///         answer.set_rcode(OptRcode::REFUSED);
///         Verdict::Answered
///     }
/// }
/// ```
pub trait Responder: 'static {
    /// Answers `query`: writes `answer`, which is NOERROR with nothing in it, or says what is to be done instead.
    ///
    /// It is asked for what is well formed and allowed to ask: QUERY of any type and class, and NOTIFY. The header, EDNS,
    /// the size and the signature of the answer are the server's affair.
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict;
}

impl Responder for Box<dyn Responder> {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        (**self).respond(query, answer)
    }
}

/// What is to be done with a query.
pub enum Verdict {
    /// The answer is written.
    Answered,
    /// Nothing is said.
    Ignored,
    /// The answer comes later: the closure is given a [`Reply`], once, when [`respond`](Responder::respond) has returned.
    /// If as many are waited for already as may be, SERVFAIL is said and the closure is dropped.
    Later(Box<dyn FnOnce(Reply)>),
    /// The answer is several messages, as a transfer of a zone is. For streams: over datagrams it is truncated.
    Messages(Box<dyn Messages>),
}

impl Verdict {
    /// The answer comes later, by the [`Reply`] that `take` is given. Give it a clone of what is to find the answer;
    /// the reply has the query.
    pub fn later(take: impl FnOnce(Reply) + 'static) -> Self {
        Self::Later(Box::new(take))
    }
}

/// An answer of several messages.
pub trait Messages: 'static {
    /// Writes the next message into `answer`, which is NOERROR and authoritative with nothing in it and as long as a
    /// frame may be; false when there is none, and then what was written is dropped.
    ///
    /// It is called when the connection has room, so what it reads from it has to keep.
    fn next_message(&mut self, query: &Query<'_>, answer: &mut Answer<'_>) -> bool;
}

/// An answer that is not there yet: kept for as long as it takes, and finished from anywhere on the reactor's thread.
///
/// Dropped unfinished, it says SERVFAIL: nobody waits for ever. An asker that has gone meanwhile is no error; nothing
/// is said then.
#[must_use = "dropped, it says SERVFAIL"]
pub struct Reply(Option<Pending>);

impl Reply {
    pub(super) fn new(pending: Pending) -> Self {
        Self(Some(pending))
    }

    /// Looks at the query, of which the reply keeps a copy.
    pub fn with_query<R>(&self, look: impl FnOnce(&Query<'_>) -> R) -> R {
        let pending = self.0.as_ref().expect("it is taken when it is finished only");
        look(&pending.query())
    }

    /// Whether somebody still waits: a connection that was lost does not.
    pub fn is_wanted(&self) -> bool {
        self.0.as_ref().is_some_and(Pending::is_wanted)
    }

    /// Has `write` write the answer, and sends it.
    pub fn finish(mut self, write: impl FnOnce(&Query<'_>, &mut Answer<'_>)) {
        if let Some(pending) = self.0.take() {
            pending.finish(write);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(pending) = self.0.take() {
            pending.finish(|_, answer| answer.set_rcode(OptRcode::SERVFAIL));
        }
    }
}

/// A query that outlives the callback in which it came.
pub(super) struct OwnedQuery {
    pub(super) message: Bytes,
    pub(super) peer: ropewalk_core::Address,
    pub(super) carrier: Carrier,
    pub(super) key: Option<Bytes>,
    pub(super) now: ropewalk_core::Time,
}

impl OwnedQuery {
    pub(super) fn of(query: &Query<'_>) -> Self {
        let origin = query.origin();
        Self {
            message: Bytes::copy_from_slice(query.message()),
            peer: origin.peer.clone(),
            carrier: origin.carrier,
            key: origin.key.map(Bytes::copy_from_slice),
            now: origin.now,
        }
    }

    pub(super) fn as_query(&self) -> Query<'_> {
        let Self { peer, carrier, key, now, message } = self;
        let origin = Origin { peer, carrier: *carrier, key: key.as_deref(), now: *now };
        let query = Query::read(message, origin);
        query.expect("it was read before")
    }
}
