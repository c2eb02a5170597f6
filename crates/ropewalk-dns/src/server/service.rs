//! [`Server`]: what becomes of a message, whatever carries it.
//!
//! It is read, looked at by those who may refuse it, given to the [`Responder`], and what comes of that is made whole:
//! EDNS, the size, the signature. The datagrams ([`udp`](super::udp)) and the streams ([`tcp`](super::tcp)) are two
//! ways in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::base::iana::{OptRcode, OptionCode};
use ropewalk_core::DatagramTransport;

use super::answer::{Answer, OPT_BYTES, OPTION_BYTES};
use super::compression::Compression;
use super::cookies::{Cookie, Said};
use super::query::{Carrier, NoQuery, Origin, Query};
use super::rate_limit::{Limited, RateLimit};
use super::responder::{Messages, OwnedQuery, Reply, Responder, Verdict};
use super::settings::ServerSettings;
use super::tcp::Stream;
use crate::tsig::Signer;

/// Answers what comes by any number of sockets and connections of one reactor, by one [`Responder`]. A cheap handle.
///
/// # Example: zones that nobody has
/// ```
/// use domain::base::iana::OptRcode;
/// use ropewalk_core::{Endpoints, Loop};
/// use ropewalk_dns::server::{Answer, Query, Responder, Server, ServerSettings, Verdict};
/// # use ropewalk_testing::{MemoryDriver, Network, register};
///
/// struct Nobody;
/// impl Responder for Nobody {
///     fn respond(&self, _: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
///         answer.set_rcode(OptRcode::REFUSED);
///         Verdict::Answered
///     }
/// }
///
/// # let main_loop = Loop::new(MemoryDriver::new(Network::default()));
/// # let mut endpoints = Endpoints::new();
/// # register(&mut endpoints);
/// let server = Server::new(Nobody, ServerSettings::default());
/// let socket = main_loop.reactor().open(&endpoints.datagram("memory:dns")?, server.datagrams());
/// let port = main_loop.reactor().listen(&endpoints.server("memory:dns")?, server.streams());
/// main_loop.run_until(socket)?;
/// main_loop.run_until(port)?;
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    responder: Box<dyn Responder>,
    settings: ServerSettings,
    rate_limit: Option<RateLimit>,
    replies: Cell<usize>,
    counts: Cell<ServerCounts>,
}

/// What a server has seen since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ServerCounts {
    /// Messages that came, of any kind.
    pub received: u64,
    /// Messages that were answered; a transfer is one.
    pub answered: u64,
    /// Messages that were answered with FORMERR or NOTIMP, as they could not be read.
    pub malformed: u64,
    /// Messages to which nothing was said, as they were no queries.
    pub ignored: u64,
    /// Queries that were not answered, or with nothing but that the answer is truncated, because their network got too many.
    pub limited: u64,
    /// Queries that were answered with SERVFAIL because `replies_max` were waited for already.
    pub overloaded: u64,
}

/// What became of a message.
pub(super) enum Outcome {
    /// The answer is at the end of the buffer.
    Answered,
    /// Nothing is said.
    Silent,
    /// This is to be called when nothing is borrowed; the answer comes by the reply.
    Later(Box<dyn FnOnce()>),
    /// The answer is several messages.
    Messages(Box<Pending>, Box<dyn Messages>),
}

/// By which way an answer goes out.
#[derive(Clone)]
pub(super) enum Way {
    Datagram(DatagramTransport),
    Stream(Rc<Stream>),
}

/// The longest answer in a datagram to those who say nothing else (RFC 1035, section 4.2.1).
const PLAIN_UDP_BYTES: u16 = 512;

/// The longest frame of a stream (RFC 1035, section 4.2.2).
const STREAM_BYTES_MAX: usize = 65_535;

impl Server {
    /// Answers by `responder`.
    pub fn new(responder: impl Responder, settings: ServerSettings) -> Self {
        let (replies, counts) = Default::default();
        let limit = settings.rate_limit;
        let rate_limit = (limit.per_second > 0).then(|| RateLimit::new(limit));
        let responder = Box::new(responder);
        Self(Rc::new(Inner { responder, settings, rate_limit, replies, counts }))
    }

    /// What it allows.
    pub fn settings(&self) -> &ServerSettings {
        &self.0.settings
    }

    /// What it has seen.
    pub fn counts(&self) -> ServerCounts {
        self.0.counts.get()
    }

    /// How many answers are waited for.
    pub fn replies_waiting(&self) -> usize {
        self.0.replies.get()
    }

    fn count(&self, count: impl FnOnce(&mut ServerCounts)) {
        let mut counts = self.0.counts.get();
        count(&mut counts);
        self.0.counts.set(counts);
    }

    /// Takes a message, and appends the answer to `out` if there is one now.
    pub(super) fn take(
        &self,
        message: &[u8],
        origin: Origin<'_>,
        way: &dyn Fn() -> Way,
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.count(|counts| counts.received += 1);
        let query = match Query::read(message, origin) {
            Ok(query) => query,
            Err(why) => return self.refuse_to_read(message, why, out),
        };
        match query.tsig_at {
            None => self.respond_if_allowed(&query, None, way, out),
            Some(at) => self.take_signed(message, at, origin, way, out),
        }
    }

    /// Takes a message whose signature is still to be looked at.
    fn take_signed(
        &self,
        message: &[u8],
        tsig_at: usize,
        origin: Origin<'_>,
        way: &dyn Fn() -> Way,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (message, signer) = match self.0.settings.keys.verify(message, tsig_at) {
            Ok(verified) => verified,
            Err(answer) if answer.is_empty() => {
                return self.refuse_to_read(message, NoQuery::Malformed, out);
            }
            Err(answer) => {
                self.count(|counts| counts.answered += 1);
                out.extend_from_slice(&answer);
                return Outcome::Answered;
            }
        };
        let key = signer.key_name().to_vec();
        match Query::read(&message, Origin { key: Some(&key), ..origin }) {
            Ok(query) => self.respond_if_allowed(&query, Some(signer), way, out),
            Err(why) => self.refuse_to_read(&message, why, out),
        }
    }

    fn respond_if_allowed(
        &self,
        query: &Query<'_>,
        mut signer: Option<Signer>,
        way: &dyn Fn() -> Way,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if self.0.settings.access.permits(&query.origin) {
            return self.respond(query, signer, way, out);
        }
        let mut names = Compression::default();
        let mut answer = self.begin(query, signer.as_ref(), out, &mut names);
        answer.set_rcode(OptRcode::REFUSED);
        self.complete(query, answer, signer.as_mut());
        Outcome::Answered
    }

    /// Answers what could not be read, as far as that may be.
    fn refuse_to_read(&self, message: &[u8], why: NoQuery, out: &mut Vec<u8>) -> Outcome {
        let rcode = match why {
            NoQuery::Silence => {
                self.count(|counts| counts.ignored += 1);
                return Outcome::Silent;
            }
            NoQuery::Malformed => OptRcode::FORMERR,
            NoQuery::Unknown => OptRcode::NOTIMP,
        };
        self.count(|counts| counts.malformed += 1);
        out.extend_from_slice(&bare_answer(message, rcode));
        Outcome::Answered
    }

    fn respond(
        &self,
        query: &Query<'_>,
        mut signer: Option<Signer>,
        way: &dyn Fn() -> Way,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (base, mut names) = (out.len(), Compression::default());
        let mut answer = self.begin(query, signer.as_ref(), out, &mut names);
        let cookie = self.0.settings.cookies.read(query);
        let verdict = match query.edns() {
            Some(edns) if edns.version > 0 => {
                answer.set_rcode(OptRcode::BADVERS);
                Verdict::Answered
            }
            _ if cookie == Said::Malformed => {
                answer.set_rcode(OptRcode::FORMERR);
                Verdict::Answered
            }
            _ => self.0.responder.respond(query, &mut answer),
        };
        match (verdict, query.origin.carrier) {
            (Verdict::Answered, Carrier::Datagram) if signer.is_none() && cookie != Said::Known => {
                return self.complete_limited(query, answer);
            }
            (Verdict::Answered, _) => self.complete(query, answer, signer.as_mut()),
            (Verdict::Ignored, _) => {
                self.count(|counts| counts.ignored += 1);
                self.note(query, None);
                out.truncate(base);
                return Outcome::Silent;
            }
            (Verdict::Messages(_), Carrier::Datagram) => {
                answer.clear();
                answer.set_truncated();
                self.complete(query, answer, signer.as_mut());
            }
            (verdict, _) if self.has_room() => {
                out.truncate(base);
                return self.put_off(query, signer, verdict, way());
            }
            _ => {
                self.count(|counts| counts.overloaded += 1);
                answer.clear();
                answer.set_rcode(OptRcode::SERVFAIL);
                self.complete(query, answer, signer.as_mut());
            }
        }
        Outcome::Answered
    }

    /// Closes the answer to a datagram, if its network may have it.
    fn complete_limited(&self, query: &Query<'_>, mut answer: Answer<'_>) -> Outcome {
        let judged = self.0.rate_limit.as_ref().map(|limit| limit.judge(query, &answer));
        match judged.unwrap_or(Limited::Send) {
            Limited::Send => {}
            Limited::Truncate => {
                self.count(|counts| counts.limited += 1);
                answer.clear();
                answer.set_truncated();
            }
            Limited::Drop => {
                self.count(|counts| counts.limited += 1);
                self.note(query, None);
                answer.discard();
                return Outcome::Silent;
            }
        }
        self.complete(query, answer, None);
        Outcome::Answered
    }

    fn note(&self, query: &Query<'_>, rcode: Option<OptRcode>) {
        if let Some(log) = &self.0.settings.query_log {
            log.note(query, rcode);
        }
    }

    fn has_room(&self) -> bool {
        self.0.replies.get() < self.0.settings.replies_max
    }

    /// Keeps a query until it is answered.
    fn put_off(
        &self,
        query: &Query<'_>,
        signer: Option<Signer>,
        verdict: Verdict,
        way: Way,
    ) -> Outcome {
        self.0.replies.set(self.0.replies.get() + 1);
        if let Way::Stream(stream) = &way {
            stream.owe();
        }
        let signer = RefCell::new(signer);
        let pending = Pending { server: self.clone(), query: OwnedQuery::of(query), signer, way };
        match verdict {
            Verdict::Later(take) => Outcome::Later(Box::new(move || take(Reply::new(pending)))),
            Verdict::Messages(messages) => Outcome::Messages(Box::new(pending), messages),
            // These are not put off.
            Verdict::Answered | Verdict::Ignored => Outcome::Silent,
        }
    }

    /// Begins the answer to a query, with room held back for EDNS and the signature.
    fn begin<'a>(
        &self,
        query: &Query<'_>,
        signer: Option<&Signer>,
        out: &'a mut Vec<u8>,
        names: &'a mut Compression,
    ) -> Answer<'a> {
        let settings = &self.0.settings;
        let bytes_max = match query.origin.carrier {
            Carrier::Stream => STREAM_BYTES_MAX,
            Carrier::Datagram => {
                let asked = query.edns().map_or(PLAIN_UDP_BYTES, |edns| edns.udp_bytes_max);
                let most = settings.udp_bytes_max.max(PLAIN_UDP_BYTES);
                usize::from(asked.clamp(PLAIN_UDP_BYTES, most))
            }
        };
        let mut answer = Answer::begin(query, out, names, bytes_max);
        if let Some(edns) = query.edns() {
            let nsid = settings.nsid.as_ref().filter(|_| edns.option(NSID).is_some());
            let nsid = nsid.map_or(0, |nsid| nsid.len() + OPTION_BYTES);
            let cookie = edns.option(COOKIE).map_or(0, |_| size_of::<Cookie>() + OPTION_BYTES);
            answer.reserve(OPT_BYTES + nsid + cookie);
        }
        answer.reserve(signer.map_or(0, Signer::bytes));
        answer
    }

    /// Appends what comes last, and closes the message.
    fn complete(&self, query: &Query<'_>, mut answer: Answer<'_>, signer: Option<&mut Signer>) {
        self.count(|counts| counts.answered += 1);
        self.note(query, Some(answer.rcode()));
        let settings = &self.0.settings;
        if let Some(edns) = query.edns() {
            let nsid = settings.nsid.as_deref().filter(|_| edns.option(NSID).is_some());
            let cookie = settings.cookies.answer_to(query);
            let options =
                [nsid.map(|nsid| (NSID, nsid)), cookie.as_ref().map(|c| (COOKIE, &c[..]))];
            let udp_bytes_max = settings.udp_bytes_max.max(PLAIN_UDP_BYTES);
            answer.push_opt(udp_bytes_max, edns.dnssec_ok, options.into_iter().flatten());
        }
        answer.finish(query.edns().is_some(), signer);
    }
}

const NSID: u16 = OptionCode::NSID.to_int();
const COOKIE: u16 = OptionCode::COOKIE.to_int();

/// A header that says `rcode`, and nothing else: what follows the asker's header made no sense.
fn bare_answer(message: &[u8], rcode: OptRcode) -> [u8; 12] {
    let rcode = u8::try_from(rcode.to_int()).unwrap_or(0);
    [message[0], message[1], 0x80 | message[2] & 0x79, rcode, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// A query that is not answered yet.
pub(super) struct Pending {
    server: Server,
    query: OwnedQuery,
    signer: RefCell<Option<Signer>>,
    way: Way,
}

impl Pending {
    pub(super) fn query(&self) -> Query<'_> {
        self.query.as_query()
    }

    pub(super) fn is_wanted(&self) -> bool {
        match &self.way {
            Way::Datagram(_) => true,
            Way::Stream(stream) => stream.is_up(),
        }
    }

    /// Has the whole answer written, and sends it.
    pub(super) fn finish(self, write: impl FnOnce(&Query<'_>, &mut Answer<'_>)) {
        self.send(|query, answer| {
            write(query, answer);
            true
        });
    }

    /// Has the next of several messages written, and sends it; gives whether there was one.
    pub(super) fn send_next(&self, messages: &mut dyn Messages) -> bool {
        self.send(|query, answer| {
            answer.set_authoritative();
            messages.next_message(query, answer)
        })
    }

    /// Sends what `write` writes, if it says so.
    fn send(&self, write: impl FnOnce(&Query<'_>, &mut Answer<'_>) -> bool) -> bool {
        let (query, mut names, mut out) = (self.query(), Compression::default(), Vec::new());
        let mut signer = self.signer.take();
        let mut answer = self.server.begin(&query, signer.as_ref(), &mut out, &mut names);
        if !write(&query, &mut answer) {
            return false;
        }
        self.server.complete(&query, answer, signer.as_mut());
        self.signer.replace(signer);
        match &self.way {
            Way::Datagram(transport) => transport.send_to(out, &self.query.peer),
            Way::Stream(stream) => stream.send(&out),
        }
        true
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let replies = &self.server.0.replies;
        replies.set(replies.get().saturating_sub(1));
        if let Way::Stream(stream) = &self.way {
            stream.paid();
        }
    }
}
