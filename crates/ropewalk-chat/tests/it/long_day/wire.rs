//! [`Wire`]: one connection of somebody's, which can be broken by hand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{Cx, Failure, Protocol, Reactor, Transport, WeakTransport};
use ropewalk_testing::{MemoryClientEndpoint, MemoryNetwork};

/// A connection from its client's end. All clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Wire(Rc<State>);

#[derive(Default)]
struct State {
    transport: RefCell<Option<WeakTransport>>,
    came: RefCell<Vec<u8>>,
    is_lost: Cell<bool>,
    is_silent: Cell<bool>,
    is_given_up: Cell<bool>,
}

/// The protocol of a wire.
struct Ear {
    wire: Wire,
    first: Vec<u8>,
}

/// How a connection goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Both ends are told.
    Reset,
    /// Neither is.
    Silence,
    /// The client does not read for a while.
    Slow,
}

/// The whole answer to one request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Wire {
    /// Connects, and says `first` as soon as there is a connection.
    pub(crate) fn open(reactor: &Reactor, endpoint: &str, first: &str) -> Self {
        let wire = Self::default();
        let (ear, failed) = (wire.clone(), wire.clone());
        let first = first.as_bytes().to_vec();
        let factory = move || Ear { wire: ear.clone(), first: first.clone() };
        let connected = reactor.connect(&MemoryClientEndpoint::new(endpoint), factory);
        drop(connected.add_both(move |result| {
            if result.is_err() {
                failed.0.is_lost.set(true);
            }
        }));
        wire
    }

    /// One that somebody else speaks on.
    pub(crate) fn of(transport: &Transport) -> Self {
        let wire = Self::default();
        wire.0.transport.replace(Some(transport.downgrade()));
        wire
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        let transport = self.0.transport.borrow();
        transport.as_ref().and_then(WeakTransport::upgrade).filter(|_| !self.is_lost())
    }

    pub(crate) fn write(&self, text: &str) {
        if let Some(transport) = self.transport() {
            transport.write(text.as_bytes());
        }
    }

    /// Gives it up, also if there is no connection yet.
    pub(crate) fn abort(&self) {
        self.0.is_given_up.set(true);
        if let Some(transport) = self.transport() {
            transport.abort_connection();
        }
    }

    /// The client is told of nothing more. Of a silent connection it does not know that it is.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.is_lost.get()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.0.is_silent.get()
    }

    pub(crate) fn suffer(&self, network: &MemoryNetwork, fault: Fault) {
        let Some(transport) = self.transport() else { return };
        match fault {
            Fault::Reset => network.reset(&transport),
            Fault::Slow => transport.pause_producing(),
            Fault::Silence => {
                network.silence(&transport);
                self.0.is_silent.set(true);
            }
        }
    }

    /// Reads again.
    pub(crate) fn hurry(&self) {
        if let Some(transport) = self.transport() {
            transport.resume_producing();
        }
    }

    /// The whole lines that came.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        let mut came = self.0.came.borrow_mut();
        let whole = came.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = came.drain(..whole).collect();
        String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect()
    }

    /// The answer to a request, if all of it is there.
    pub(crate) fn take_answer(&self) -> Option<Answer> {
        let mut came = self.0.came.borrow_mut();
        let head = head_len(&came)?;
        let text = String::from_utf8_lossy(&came[..head]).into_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
        let end = head + length.parse::<usize>().expect("it is a number");
        if came.len() < end {
            return None;
        }
        let body = String::from_utf8(came[head..end].to_vec()).expect("it is UTF-8");
        came.drain(..end);
        Some(Answer { status: status(&text), body })
    }

    /// The head of an answer whose body has no end: its status.
    pub(crate) fn take_head(&self) -> Option<u16> {
        let mut came = self.0.came.borrow_mut();
        let head = head_len(&came)?;
        let text = String::from_utf8_lossy(&came[..head]).into_owned();
        if text.contains("Transfer-Encoding: chunked") {
            came.drain(..head);
        }
        Some(status(&text))
    }

    /// The whole chunks that came of a body, together.
    pub(crate) fn take_chunks(&self) -> String {
        let (mut came, mut body) = (self.0.came.borrow_mut(), Vec::new());
        while let Some(end) = came.windows(2).position(|two| two == b"\r\n") {
            let size = String::from_utf8_lossy(&came[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).expect("the size of a chunk");
            if came.len() < end + 2 + size + 2 {
                break;
            }
            body.extend_from_slice(&came[end + 2..end + 2 + size]);
            came.drain(..end + 2 + size + 2);
        }
        String::from_utf8(body).expect("chunks end where events do")
    }
}

fn head_len(came: &[u8]) -> Option<usize> {
    came.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn status(head: &str) -> u16 {
    head.get(9..12).and_then(|code| code.parse().ok()).expect("a status line")
}

impl Protocol for Ear {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.wire.0.transport.replace(Some(cx.transport().downgrade()));
        match self.wire.0.is_given_up.get() {
            true => cx.transport().abort_connection(),
            false => cx.transport().write(&self.first),
        }
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.wire.0.came.borrow_mut().extend_from_slice(data);
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, _: Failure) {
        self.wire.0.is_lost.set(true);
    }
}
