//! [`Recorder`]: a protocol that writes down what happens to it; and the [`Log`] where.
//!
//! The log is shared: a test keeps one clone, the recorder on the connection has the other. What else the
//! protocol is to do is a closure, which sees each event after it was written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{Cx, Failure, FailureKind, Protocol, Transport, WeakTransport};

/// A protocol that writes down what happens to it.
///
/// # Example: an echo whose end is looked at
/// ```
/// use ropewalk_testing::{Log, Pair, Recorded, Recorder};
///
/// let log = Log::default();
/// let server = { let log = log.clone(); move || Recorder::new(&log).reacting(|cx, event| {
///     if let Recorded::Data(data) = event { cx.transport().write(data) }
/// }) };
/// let client = Log::default();
/// let pair = Pair::new(server, { let client = client.clone(); move || Recorder::new(&client) });
/// pair.settle();
/// client.transport().write(b"hello");
/// pair.settle();
/// assert_eq!(client.data(), b"hello");
/// client.transport().lose_connection();
/// pair.run();
/// assert!(log.lost().unwrap().is(ropewalk_core::FailureKind::ConnectionDone));
/// ```
pub struct Recorder {
    log: Log,
    keeps_half: bool,
    reaction: Box<dyn FnMut(&mut Cx<'_>, &Recorded)>,
}

/// What happened to a [`Recorder`].
#[derive(Clone, Debug)]
pub enum Recorded {
    /// The connection came up.
    Made,
    /// These bytes came.
    Data(Vec<u8>),
    /// An object came along; it is dropped.
    Attached,
    /// The peer sends no more.
    ReadLost,
    /// The connection is gone.
    Lost(Failure),
}

/// What [`Recorder`]s wrote down. All clones are the same log.
#[derive(Clone, Default)]
pub struct Log(Rc<Entries>);

#[derive(Default)]
struct Entries {
    events: RefCell<Vec<Recorded>>,
    transport: RefCell<Option<WeakTransport>>,
    data_len: Cell<usize>,
    read_lost: Cell<bool>,
    lost: RefCell<Option<Failure>>,
    /// Callbacks that came after the last one.
    after_lost: Cell<usize>,
}

impl Recorder {
    /// Writes down in `log`, and otherwise does what a protocol does that overrides nothing.
    pub fn new(log: &Log) -> Self {
        Self { log: log.clone(), keeps_half: false, reaction: Box::new(|_, _| ()) }
    }

    /// Calls `reaction` after each event.
    #[must_use]
    pub fn reacting(mut self, reaction: impl FnMut(&mut Cx<'_>, &Recorded) + 'static) -> Self {
        self.reaction = Box::new(reaction);
        self
    }

    /// When the peer sends no more, it does not lose the connection, as a protocol otherwise does.
    #[must_use]
    pub fn keeping_half(mut self) -> Self {
        self.keeps_half = true;
        self
    }

    fn note(&mut self, cx: &mut Cx<'_>, event: Recorded) {
        if self.log.lost().is_some() {
            self.log.0.after_lost.set(self.log.0.after_lost.get() + 1);
        }
        self.log.note(event.clone());
        (self.reaction)(cx, &event);
    }
}

impl Protocol for Recorder {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.log.0.transport.replace(Some(cx.transport().downgrade()));
        self.note(cx, Recorded::Made);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.note(cx, Recorded::Data(data.to_vec()));
    }

    fn attachment_received(&mut self, cx: &mut Cx<'_>, _: Box<dyn std::any::Any>) {
        self.note(cx, Recorded::Attached);
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.note(cx, Recorded::ReadLost);
        if !self.keeps_half {
            cx.transport().lose_connection();
        }
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        self.note(cx, Recorded::Lost(reason));
    }
}

impl Log {
    fn note(&self, event: Recorded) {
        let entries = &self.0;
        match &event {
            Recorded::Data(data) => entries.data_len.set(entries.data_len.get() + data.len()),
            Recorded::ReadLost => entries.read_lost.set(true),
            Recorded::Lost(failure) => drop(entries.lost.replace(Some(failure.clone()))),
            Recorded::Made | Recorded::Attached => {}
        }
        entries.events.borrow_mut().push(event);
    }

    /// Everything, in order.
    pub fn events(&self) -> Vec<Recorded> {
        self.0.events.borrow().clone()
    }

    /// The events in one word each: `made data data lost`.
    pub fn summary(&self) -> String {
        let events = self.0.events.borrow();
        events.iter().map(Recorded::word).collect::<Vec<_>>().join(" ")
    }

    /// All bytes that came, together.
    pub fn data(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for event in &*self.0.events.borrow() {
            if let Recorded::Data(data) = event {
                all.extend_from_slice(data);
            }
        }
        all
    }

    /// How many bytes came.
    pub fn data_len(&self) -> usize {
        self.0.data_len.get()
    }

    /// Whether the peer has said that it sends no more.
    pub fn read_lost(&self) -> bool {
        self.0.read_lost.get()
    }

    /// The bytes that came in each callback.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let events = self.0.events.borrow();
        let data = |event: &Recorded| match event {
            Recorded::Data(data) => Some(data.clone()),
            _ => None,
        };
        events.iter().filter_map(data).collect()
    }

    /// Why the connection was lost, once it is.
    pub fn lost(&self) -> Option<Failure> {
        self.0.lost.borrow().clone()
    }

    /// The kind of that failure.
    pub fn lost_kind(&self) -> Option<FailureKind> {
        self.lost().map(|failure| failure.kind())
    }

    /// How many callbacks came after `connection_lost`. There should be none.
    pub fn after_lost(&self) -> usize {
        self.0.after_lost.get()
    }

    /// Whether a connection came up.
    pub fn is_made(&self) -> bool {
        self.0.transport.borrow().is_some()
    }

    /// The transport of the connection that came up last. The log does not keep it: once the connection is
    /// lost it is there only if somebody else has it.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn transport(&self) -> Transport {
        let last = self.0.transport.borrow();
        let last = last.as_ref().expect("no connection has come up yet");
        last.upgrade().expect("the connection is gone, and nobody has kept its transport")
    }

    /// Forgets what was written down, and the transport.
    pub fn clear(&self) {
        drop((self.0.events.take(), self.0.transport.take(), self.0.lost.take()));
        self.0.data_len.set(0);
        self.0.read_lost.set(false);
        self.0.after_lost.set(0);
    }
}

impl Recorded {
    fn word(&self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Data(_) => "data",
            Self::Attached => "attached",
            Self::ReadLost => "read-lost",
            Self::Lost(_) => "lost",
        }
    }
}
