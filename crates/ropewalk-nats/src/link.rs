//! [`Link`]: the connection to a server, and what is to be done when it comes back.
//!
//! There is always one connection, or an attempt at one, or a pause before the next. What has to be said anew on each
//! connection (the subscriptions) and what could not be said (publications, within limits) is kept here.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    ClientEndpoint, Deferred, DelayedCall, Failure, FailureKind, Reactor, Resolver, Time, Transport,
};
use ropewalk_framing::{LineDecoder, LineReceiver};

use crate::event::{NatsMessage, NatsNews};
use crate::protocol::NatsProtocol;
use crate::subscription::Interest;
use crate::{NatsOptions, ServerInfo, encode};

/// What a client's handles and its protocol share. Nothing is borrowed while a user's code runs.
pub(crate) struct Link {
    reactor: Reactor,
    endpoint: Rc<dyn ClientEndpoint>,
    options: NatsOptions,
    stage: RefCell<Stage>,
    interests: RefCell<BTreeMap<u64, Rc<Interest>>>,
    last_number: Cell<u64>,
    kept: RefCell<Kept>,
    /// Questions whether the server is there, in order; a flush waits for its own.
    pings: RefCell<VecDeque<Option<Resolver<()>>>>,
    /// Who waits for a connection.
    waiting: RefCell<Vec<Resolver<()>>>,
    watchers: RefCell<Vec<Rc<dyn Fn(&NatsNews)>>>,
    pause: Cell<Duration>,
}

enum Stage {
    /// The call makes the next attempt.
    Away(Option<DelayedCall>),
    Connecting(Option<Deferred<()>>),
    Up {
        transport: Transport,
        info: ServerInfo,
        since: Time,
        ping: DelayedCall,
    },
    Closed,
}

/// What was published while the server was away.
#[derive(Default)]
struct Kept {
    /// Each with the bytes of its payload.
    messages: Vec<(usize, Vec<u8>)>,
    bytes: usize,
}

impl Link {
    pub(crate) fn new(
        reactor: &Reactor,
        endpoint: Rc<dyn ClientEndpoint>,
        options: NatsOptions,
    ) -> Rc<Self> {
        Rc::new(Self {
            reactor: reactor.clone(),
            endpoint,
            pause: Cell::new(options.limits.pause_min),
            options,
            stage: RefCell::new(Stage::Away(None)),
            interests: RefCell::default(),
            last_number: Cell::new(0),
            kept: RefCell::default(),
            pings: RefCell::default(),
            waiting: RefCell::default(),
            watchers: RefCell::default(),
        })
    }

    pub(crate) fn options(&self) -> &NatsOptions {
        &self.options
    }

    /// An attempt at a connection. The protocol tells how it goes on.
    pub(crate) fn connect(self: &Rc<Self>) {
        self.stage.replace(Stage::Connecting(None));
        let (weak, line_bytes_max) = (Rc::downgrade(self), self.options.limits.line_bytes_max);
        let factory = move || {
            let mut decoder = LineDecoder::new();
            decoder.line_bytes_max = line_bytes_max;
            LineReceiver::with_decoder(decoder, NatsProtocol::new(weak.clone()))
        };
        let weak = Rc::downgrade(self);
        let attempt = self.reactor.connect(&self.endpoint, factory).add_both(move |result| {
            if let (Err(failure), Some(link)) = (result, weak.upgrade()) {
                link.went_away(link.reactor.now(), failure);
            }
        });
        if let Stage::Connecting(place) = &mut *self.stage.borrow_mut() {
            *place = Some(attempt);
        }
    }

    /// The server has welcomed us.
    pub(crate) fn came_up(self: &Rc<Self>, transport: &Transport, info: ServerInfo) {
        let subscriptions = self
            .interests
            .borrow()
            .iter()
            .map(|(number, interest)| {
                encode::subscribe(&interest.subject, interest.group.as_deref(), *number)
            })
            .collect::<String>();
        transport.write(subscriptions.as_bytes());
        let kept = self.kept.take();
        for (payload_bytes, message) in kept.messages {
            if payload_bytes > info.payload_bytes_max {
                tracing::warn!(target: "ropewalk::nats", "a kept message of {payload_bytes} bytes is dropped: the server takes {}", info.payload_bytes_max);
            } else {
                transport.write_bytes(message);
            }
        }
        let (transport, since) = (transport.clone(), self.reactor.now());
        let up = Stage::Up { transport, info, since, ping: self.ping_later() };
        self.stage.replace(up);
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(|resolver| resolver.callback(()));
        self.tell(&NatsNews::CameUp);
    }

    /// The connection is lost, or could not be had.
    pub(crate) fn went_away(self: &Rc<Self>, now: Time, why: Failure) {
        let limits = &self.options.limits;
        let lasted = match &*self.stage.borrow() {
            Stage::Connecting(_) => Duration::ZERO,
            Stage::Up { since, ping, .. } => {
                let _ = ping.cancel(); // If it has run, it is this that it brought about.
                now.since(*since)
            }
            Stage::Away(_) | Stage::Closed => return,
        };
        if lasted >= limits.pause_max {
            self.pause.set(limits.pause_min);
        }
        let pause = self.pause.get();
        self.pause.set((pause * 2).min(limits.pause_max));
        let weak = Rc::downgrade(self);
        let next = self.reactor.call_later(spread(pause), move || {
            if let Some(link) = weak.upgrade() {
                link.connect();
            }
        });
        self.stage.replace(Stage::Away(Some(next)));
        self.fail_pings(&why);
        self.tell(&NatsNews::WentAway(why));
    }

    /// Ends it: what was written is sent, and nothing comes any more.
    pub(crate) fn close(&self) {
        match self.stage.replace(Stage::Closed) {
            Stage::Away(next) => {
                let _ = next.map(|next| next.cancel()); // Already run is as good.
            }
            Stage::Connecting(attempt) => {
                let _ = attempt.map(|attempt| attempt.cancel());
            }
            Stage::Up { transport, ping, .. } => {
                let _ = ping.cancel();
                transport.lose_connection();
            }
            Stage::Closed => return,
        }
        let why = Failure::new(FailureKind::Local, "the NATS client is closed");
        self.fail_pings(&why);
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(|resolver| resolver.errback(why.clone()));
        drop(self.interests.take());
        drop(self.watchers.take());
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(&*self.stage.borrow(), Stage::Up { .. })
    }

    pub(crate) fn info(&self) -> Option<ServerInfo> {
        match &*self.stage.borrow() {
            Stage::Up { info, .. } => Some(info.clone()),
            _ => None,
        }
    }

    pub(crate) fn set_info(&self, news: ServerInfo) {
        if let Stage::Up { info, .. } = &mut *self.stage.borrow_mut() {
            *info = news;
        }
    }

    /// Sends a message, or keeps it while there is nobody to send it to.
    pub(crate) fn publish(
        &self,
        subject: &str,
        reply: Option<&str>,
        payload: &[u8],
    ) -> Result<(), Failure> {
        let limits = &self.options.limits;
        let stage = self.stage.borrow();
        let (unsent, payload_max) = match &*stage {
            Stage::Closed => {
                return Err(Failure::new(FailureKind::Local, "the NATS client is closed"));
            }
            Stage::Up { transport, info, .. } => (transport.buffered(), info.payload_bytes_max),
            Stage::Away(_) | Stage::Connecting(_) => (self.kept.borrow().bytes, usize::MAX),
        };
        let payload_max = payload_max.min(limits.payload_bytes_max);
        if payload.len() > payload_max {
            let what = format!("a payload of {} bytes, of at most {payload_max}", payload.len());
            return Err(Failure::new(FailureKind::Limit, what));
        }
        let message = encode::publish(subject, reply, payload);
        if unsent + message.len() > limits.unsent_bytes_max {
            let what =
                format!("{unsent} bytes wait for the NATS server already (unsent_bytes_max)");
            return Err(Failure::new(FailureKind::Limit, what));
        }
        match &*stage {
            Stage::Up { transport, .. } => transport.write_bytes(message),
            _ => self.kept.borrow_mut().push(payload.len(), message),
        }
        Ok(())
    }

    pub(crate) fn subscribe(&self, interest: Interest) -> Result<u64, Failure> {
        let mut interests = self.interests.borrow_mut();
        let stage = self.stage.borrow();
        if matches!(*stage, Stage::Closed) {
            return Err(Failure::new(FailureKind::Local, "the NATS client is closed"));
        }
        if interests.len() >= self.options.limits.subscriptions_max {
            return Err(Failure::new(
                FailureKind::Limit,
                "too many subscriptions (subscriptions_max)",
            ));
        }
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        if let Stage::Up { transport, .. } = &*stage {
            let line = encode::subscribe(&interest.subject, interest.group.as_deref(), number);
            transport.write(line.as_bytes());
        }
        interests.insert(number, Rc::new(interest));
        Ok(number)
    }

    pub(crate) fn unsubscribe(&self, number: u64) {
        let interest = self.interests.borrow_mut().remove(&number);
        if let (Some(_), Stage::Up { transport, .. }) = (&interest, &*self.stage.borrow()) {
            transport.write(encode::unsubscribe(number).as_bytes());
        }
        drop(interest); // With what its callback holds: last, when nothing is borrowed.
    }

    /// Fires when the server has taken all that was written so far.
    pub(crate) fn flush(&self) -> Deferred<()> {
        let Stage::Up { transport, .. } = &*self.stage.borrow() else {
            return Deferred::fail(Failure::new(FailureKind::Peer, "the NATS server is away"));
        };
        let mut pings = self.pings.borrow_mut();
        if pings.len() >= self.options.limits.waiting_max {
            return Deferred::fail(Failure::new(
                FailureKind::Limit,
                "too many flushes (waiting_max)",
            ));
        }
        let (resolver, flushed) = Deferred::new();
        pings.push_back(Some(resolver));
        transport.write(b"PING\r\n");
        flushed
    }

    /// Fires when there is a connection.
    pub(crate) fn connected(&self) -> Deferred<()> {
        let mut waiting = self.waiting.borrow_mut();
        match &*self.stage.borrow() {
            Stage::Up { .. } => Deferred::succeed(()),
            Stage::Closed => {
                Deferred::fail(Failure::new(FailureKind::Local, "the NATS client is closed"))
            }
            _ if waiting.len() >= self.options.limits.waiting_max => {
                Deferred::fail(Failure::new(FailureKind::Limit, "too many wait (waiting_max)"))
            }
            _ => {
                let (resolver, connected) = Deferred::new();
                waiting.push(resolver);
                connected
            }
        }
    }

    pub(crate) fn watch(&self, watcher: Rc<dyn Fn(&NatsNews)>) {
        self.watchers.borrow_mut().push(watcher);
    }

    pub(crate) fn tell(&self, news: &NatsNews) {
        let watchers = self.watchers.borrow().clone();
        watchers.iter().for_each(|watcher| watcher(news));
    }

    /// A message for the subscription of that number, if there still is one.
    pub(crate) fn message_received(&self, number: u64, message: &NatsMessage) {
        let interest = self.interests.borrow().get(&number).cloned();
        if let Some(interest) = interest {
            (interest.heard)(message);
        }
    }

    pub(crate) fn pong_received(&self) {
        let answered = self.pings.borrow_mut().pop_front();
        if let Some(Some(resolver)) = answered {
            resolver.callback(());
        }
    }

    fn fail_pings(&self, why: &Failure) {
        let pings = self.pings.take();
        pings.into_iter().flatten().for_each(|resolver| resolver.errback(why.clone()));
    }

    fn ping_later(self: &Rc<Self>) -> DelayedCall {
        let weak = Rc::downgrade(self);
        self.reactor.call_later(self.options.limits.ping_interval, move || {
            if let Some(link) = weak.upgrade() {
                link.ping();
            }
        })
    }

    /// Asks whether the server is there; gives the connection up if it has not answered for long.
    fn ping(self: &Rc<Self>) {
        let unanswered = self.pings.borrow().iter().filter(|ping| ping.is_none()).count();
        let Stage::Up { transport, ping, .. } = &mut *self.stage.borrow_mut() else { return };
        if unanswered >= self.options.limits.pings_unanswered_max {
            let what = "the NATS server does not answer (pings_unanswered_max)";
            return transport.abort_with(Failure::new(FailureKind::Timeout, what));
        }
        self.pings.borrow_mut().push_back(None);
        transport.write(b"PING\r\n");
        *ping = self.ping_later();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

impl Kept {
    fn push(&mut self, payload_bytes: usize, message: Vec<u8>) {
        self.bytes += message.len();
        self.messages.push((payload_bytes, message));
    }
}

/// Up to a quarter longer, by chance: so that many clients of a server that was restarted do not come all at once.
fn spread(pause: Duration) -> Duration {
    let chance = getrandom::u32().unwrap_or(0) % 256;
    pause + pause * chance / 1024
}
