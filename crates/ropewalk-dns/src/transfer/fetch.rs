//! How a secondary asks a primary for a zone, over a connection.
//!
//! It asks for the differences (IXFR) at once: one answer says that nothing is newer, what has changed, or the whole zone,
//! whichever is right, and a SOA asked before would be one round more. A primary that does not know IXFR is asked for the
//! whole zone.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::name::ToName;
use domain::base::rdata::ComposeRecordData;
use domain::base::{Message, Name, ParsedName};
use domain::rdata::AllRecordData;
use ropewalk_core::{
    ClientEndpoint, Cx, Deferred, DelayedCall, Factory, Failure, FailureKind, Reactor, Resolver,
    Transport,
};
use ropewalk_framing::{FrameProtocol, Framed, LengthPrefixDecoder, PrefixWidth};

use super::incoming::{Came, Incoming, NoTransfer};
use crate::tsig::{Checker, TsigKey};
use crate::zone::{RecordRef, SharedZone, ZoneRecord};

/// What a transfer may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// What the records may take in memory. Default 1 GiB: more than the largest zones that have secondaries of their
    /// own making.
    pub zone_bytes_max: usize,
    /// How long the primary may be silent. Default 30 s.
    pub silence_timeout: Duration,
    /// How long all of it may take. Default an hour: a gigabyte over a slow line.
    pub transfer_timeout: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            zone_bytes_max: 1 << 30,
            silence_timeout: Duration::from_secs(30),
            transfer_timeout: Duration::from_secs(3_600),
        }
    }
}

/// What is asked for.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) apex: Box<[u8]>,
    /// The version that is there.
    pub(super) have: Option<SharedZone>,
    pub(super) key: Option<TsigKey>,
    pub(super) calendar: fn() -> SystemTime,
    pub(super) limits: FetchLimits,
}

/// Asks at `primary`.
pub(super) async fn fetch(
    reactor: &Reactor,
    primary: &dyn ClientEndpoint,
    wanted: Wanted,
) -> Result<Came, Failure> {
    let (resolver, came) = Deferred::new();
    let timeout = wanted.limits.transfer_timeout;
    let factory = Once(RefCell::new(Some(Fetcher::new(wanted, resolver))));
    let connected = match reactor.connect(primary, factory).await {
        Ok(connected) => connected,
        Err(failure) => {
            drop(came.add_errback(|_| Ok(Came::UpToDate))); // Nobody is there to fire it.
            return Err(failure);
        }
    };
    let came = came.add_timeout(reactor, timeout).await;
    if let Some(transport) = connected.transport() {
        transport.lose_connection();
    }
    came
}

/// A factory of one protocol.
struct Once(RefCell<Option<Fetcher>>);

impl Factory for Once {
    type Protocol = Framed<LengthPrefixDecoder, Fetcher>;

    fn build_protocol(&self, _: &Transport) -> Option<Self::Protocol> {
        let fetcher = self.0.borrow_mut().take()?;
        Some(Framed::new(LengthPrefixDecoder::new(PrefixWidth::U16), fetcher))
    }
}

/// The asking side of one connection.
struct Fetcher {
    wanted: Wanted,
    resolver: Option<Resolver<Came>>,
    incoming: Incoming,
    checker: Option<Checker>,
    /// Whether the differences were asked for.
    asked_differences: bool,
    silence: Option<DelayedCall>,
}

/// The numbers of the questions: for the differences, and for the whole zone if those cannot be had. What is still on its
/// way for the first is not taken for the second's.
const DIFFERENCES_ID: u16 = 1;
const WHOLE_ID: u16 = 2;

impl Fetcher {
    fn new(wanted: Wanted, resolver: Resolver<Came>) -> Self {
        let asked_differences = wanted.have.is_some();
        Self {
            incoming: Incoming::new(None, 0),
            wanted,
            resolver: Some(resolver),
            checker: None,
            asked_differences,
            silence: None,
        }
    }

    fn id(&self) -> u16 {
        if self.asked_differences { DIFFERENCES_ID } else { WHOLE_ID }
    }

    fn ask(&mut self, transport: &Transport) {
        let have = self.wanted.have.as_ref().filter(|_| self.asked_differences);
        self.incoming =
            Incoming::new(have.map(|zone| zone.soa().serial), self.wanted.limits.zone_bytes_max);
        let mut question = question(self.id(), &self.wanted.apex, have);
        self.checker = match &self.wanted.key {
            Some(key) => Checker::sign(key, &mut question, self.wanted.calendar),
            None => None,
        };
        let Ok(length) = u16::try_from(question.len()) else { return };
        transport.write(&length.to_be_bytes());
        transport.write(&question);
    }

    /// Takes a message; gives what has come when that is all.
    fn take(&mut self, frame: &[u8]) -> Result<Option<Came>, Failure> {
        if frame.first_chunk() != Some(&self.id().to_be_bytes()) {
            return Ok(None);
        }
        let mut message =
            Message::from_octets(frame.to_vec()).map_err(|_| bad("it is no message"))?;
        if let Some(checker) = &mut self.checker
            && !checker.check(&mut message)
        {
            return Err(bad("its signature is wrong"));
        }
        let header = message.header();
        if !header.qr() {
            return Err(bad("it is no answer"));
        }
        if header.rcode() != Rcode::NOERROR {
            return Err(bad(&format!("it says {}", header.rcode())));
        }
        for record in message.answer().map_err(|_| bad("it cannot be read"))? {
            let record = record.ok().and_then(|record| record_of(&record));
            let record = record.ok_or_else(|| bad("a record cannot be read"))?;
            self.incoming.push(record).map_err(|why| match why {
                NoTransfer::Disorder => bad("the records are in no order"),
                NoTransfer::TooLong => {
                    Failure::new(FailureKind::Limit, "the zone is too large (zone_bytes_max)")
                }
            })?;
        }
        self.incoming.message_ended();
        let came = self.incoming.take_done();
        if came.is_some() && self.checker.take().is_some_and(|checker| !checker.finish()) {
            return Err(bad("its last message is not signed"));
        }
        Ok(came)
    }

    fn fire(&mut self, transport: &Transport, result: Result<Came, Failure>) {
        transport.lose_connection();
        if let Some(resolver) = self.resolver.take() {
            resolver.fire(result);
        }
    }
}

impl FrameProtocol for Fetcher {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let (transport, after) = (cx.transport().downgrade(), self.wanted.limits.silence_timeout);
        self.silence = Some(cx.reactor().call_later(after, move || {
            if let Some(transport) = transport.upgrade() {
                transport.abort_with(Failure::new(FailureKind::Timeout, "the primary is silent"));
            }
        }));
        self.ask(cx.transport());
    }

    fn frame_received(&mut self, cx: &mut Cx<'_>, frame: &[u8]) {
        if let Some(silence) = &self.silence {
            let _ = silence.reset(self.wanted.limits.silence_timeout); // It has run: then it is over.
        }
        match self.take(frame) {
            Ok(None) => {}
            Ok(Some(came)) => self.fire(cx.transport(), Ok(came)),
            Err(_) if std::mem::take(&mut self.asked_differences) => self.ask(cx.transport()),
            Err(failure) => self.fire(cx.transport(), Err(failure)),
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        if let Some(silence) = self.silence.take() {
            let _ = silence.cancel(); // It may have been what ended it.
        }
        if let Some(resolver) = self.resolver.take() {
            let reason = match reason.kind() {
                FailureKind::ConnectionDone => bad("the connection has ended before it"),
                _ => reason,
            };
            resolver.errback(reason);
        }
    }
}

fn bad(why: &str) -> Failure {
    Failure::new(FailureKind::Peer, format!("a transfer: {why}"))
}

/// A question for the differences from the version that is there, or for the whole zone.
fn question(id: u16, apex: &[u8], have: Option<&SharedZone>) -> Vec<u8> {
    let mut message = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message[..2].copy_from_slice(&id.to_be_bytes());
    let rtype = if have.is_some() { Rtype::IXFR } else { Rtype::AXFR };
    message.extend_from_slice(apex);
    message.extend_from_slice(&rtype.to_int().to_be_bytes());
    message.extend_from_slice(&Class::IN.to_int().to_be_bytes());
    if let Some(zone) = have {
        message[9] = 1;
        let RecordRef { owner, rtype, ttl, data } = zone.soa_record();
        message.extend_from_slice(owner);
        message.extend_from_slice(&rtype.to_int().to_be_bytes());
        message.extend_from_slice(&Class::IN.to_int().to_be_bytes());
        message.extend_from_slice(&ttl.to_be_bytes());
        message.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
        message.extend_from_slice(data);
    }
    message
}

/// A record with all names in it whole.
fn record_of(record: &domain::base::ParsedRecord<'_, Vec<u8>>) -> Option<ZoneRecord> {
    let parsed = record.to_any_record::<AllRecordData<_, ParsedName<_>>>().ok()?;
    let owner: Name<Vec<u8>> = parsed.owner().to_name();
    let mut data = Vec::new();
    parsed.data().compose_rdata(&mut data).ok()?;
    Some(ZoneRecord {
        owner: owner.as_slice().into(),
        rtype: parsed.rtype(),
        ttl: parsed.ttl().as_secs(),
        data: data.into(),
        place: None,
    })
}
