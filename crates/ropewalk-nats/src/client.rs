//! [`NatsClient`]: the speaking half.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ClientEndpoint, Deferred, Failure, Reactor};

use crate::link::Link;
use crate::subscription::Interest;
use crate::{NatsMessage, NatsNews, NatsOptions, ServerInfo, Subscription, subject};

/// A client of one NATS server, which connects by itself and comes back when the connection was lost. A clone is the
/// same.
///
/// With the last clone the connection is lost, after what was written has been sent. A callback that holds a clone
/// keeps the client for as long as its [`Subscription`] lives.
///
/// # Ordering
/// What one client publishes reaches each subscriber in that order. Callbacks are called one after the other, in the
/// order of the messages, and never inside a call of this type.
///
/// # Limits
/// What is published while the server is away is kept and sent when it is back, up to
/// [`unsent_bytes_max`](crate::NatsLimits::unsent_bytes_max); more is refused with a `Limit` failure, as it is while
/// the server takes less than is written. What was on its way when a connection broke is lost.
#[derive(Clone)]
pub struct NatsClient(Rc<Owner>);

/// Closes the link with the last handle; subscriptions know the link only.
struct Owner {
    reactor: Reactor,
    link: Rc<Link>,
    /// What nobody else can guess, so that answers come here alone.
    inbox: String,
    last_request: Cell<u64>,
}

impl NatsClient {
    /// A client of the server at `endpoint`; begins to connect.
    pub fn new(reactor: &Reactor, endpoint: Rc<dyn ClientEndpoint>, options: NatsOptions) -> Self {
        let link = Link::new(reactor, endpoint, options);
        let (weak, reactor) = (Rc::downgrade(&link), reactor.clone());
        // Not here: a caller may still want to watch.
        reactor.call_soon(move || {
            if let Some(link) = weak.upgrade() {
                link.connect();
            }
        });
        Self(Rc::new(Owner { reactor, link, inbox: new_inbox(), last_request: Cell::new(0) }))
    }

    /// Publishes at `subject`.
    ///
    /// # Errors
    /// `Local` if it is no subject (see the crate's `subject.rs`: words with dots between them, no wildcards), or the
    /// client is closed; `Limit` if the payload is too long for us or the server, or too much waits.
    pub fn publish(&self, subject: &str, payload: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.check(subject)?;
        self.0.link.publish(subject, None, payload.as_ref())
    }

    /// Publishes at `subject`, and says where answers are expected.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_with_reply(
        &self,
        subject: &str,
        reply: &str,
        payload: impl AsRef<[u8]>,
    ) -> Result<(), Failure> {
        self.check(subject)?;
        self.check(reply)?;
        self.0.link.publish(subject, Some(reply), payload.as_ref())
    }

    /// Has `heard` called for each message at `subject`, until the [`Subscription`] is dropped. `*` stands for one
    /// word, `>` for all that follow.
    ///
    /// # Errors
    /// `Local` if it is no pattern of subjects, or the client is closed; `Limit` if there are too many.
    pub fn subscribe(
        &self,
        subject: &str,
        heard: impl Fn(&NatsMessage) + 'static,
    ) -> Result<Subscription, Failure> {
        self.subscribe_as(subject, None, Box::new(heard))
    }

    /// The same as one of a group, of which only one member hears each message: work is shared so.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe); `Local` if `group` is no single word.
    pub fn subscribe_in_group(
        &self,
        subject: &str,
        group: &str,
        heard: impl Fn(&NatsMessage) + 'static,
    ) -> Result<Subscription, Failure> {
        self.check(group)?;
        self.subscribe_as(subject, Some(group.to_owned()), Box::new(heard))
    }

    /// Publishes at `subject`, and fires with the first answer.
    ///
    /// # Fires
    /// With what somebody published at the message's reply; fails with `Timeout` when `timeout` has passed, be it that
    /// nobody is there, or that the server was away.
    ///
    /// # Cancellation
    /// The answer is not waited for any more.
    pub fn request(
        &self,
        subject: &str,
        payload: impl AsRef<[u8]>,
        timeout: Duration,
    ) -> Deferred<NatsMessage> {
        let number = self.0.last_request.get() + 1;
        self.0.last_request.set(number);
        let reply = format!("{}.{number}", self.0.inbox);
        let (resolver, answer) = Deferred::new();
        let resolver = Cell::new(Some(resolver));
        let hearing = self.subscribe(&reply, move |message| {
            if let Some(resolver) = resolver.take() {
                resolver.callback(message.clone());
            }
        });
        let asked = hearing.and_then(|hearing| {
            self.publish_with_reply(subject, &reply, payload).map(|()| hearing)
        });
        match asked {
            Err(failure) => Deferred::fail(failure),
            Ok(hearing) => answer.add_timeout(&self.0.reactor, timeout).add_both(move |result| {
                drop(hearing);
                result
            }),
        }
    }

    /// Fires when the server has taken all that was published so far.
    ///
    /// # Errors
    /// Why it could not: the server is away, or goes away meanwhile; `Limit` if too many wait.
    pub fn flush(&self) -> Deferred<()> {
        self.0.link.flush()
    }

    /// Fires when there is a connection: now, if there is one.
    ///
    /// # Errors
    /// `Local` if the client is closed before; `Limit` if too many wait.
    pub fn connected(&self) -> Deferred<()> {
        self.0.link.connected()
    }

    /// Has `watcher` told what becomes of the connection, for as long as the client lives.
    pub fn watch(&self, watcher: impl Fn(&NatsNews) + 'static) {
        self.0.link.watch(Rc::new(watcher));
    }

    /// Whether there is a connection.
    pub fn is_up(&self) -> bool {
        self.0.link.is_up()
    }

    /// What the server says of itself, while there is a connection.
    pub fn server_info(&self) -> Option<ServerInfo> {
        self.0.link.info()
    }

    /// Ends it, whoever else has a clone: the connection is lost after what was written has been sent.
    pub fn close(&self) {
        self.0.link.close();
    }

    fn subscribe_as(
        &self,
        subject: &str,
        group: Option<String>,
        heard: Box<dyn Fn(&NatsMessage)>,
    ) -> Result<Subscription, Failure> {
        let link = &self.0.link;
        subject::check_pattern(subject, link.options().limits.subject_bytes_max)?;
        let number = link.subscribe(Interest { subject: subject.to_owned(), group, heard })?;
        Ok(Subscription::new(Rc::downgrade(link), number))
    }

    fn check(&self, subject: &str) -> Result<(), Failure> {
        subject::check(subject, self.0.link.options().limits.subject_bytes_max)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.link.close();
    }
}

/// Without random numbers answers still come, and others could guess where.
fn new_inbox() -> String {
    let bytes = getrandom::u64().unwrap_or_else(|error| {
        tracing::warn!(target: "ropewalk::nats", "the system has no random numbers: {error}");
        u64::from(std::process::id())
    });
    format!("_INBOX.{bytes:016x}")
}
