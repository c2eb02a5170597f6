//! [`Broker`]: a NATS server in memory, as far as the chat needs one; it can lose messages, and can fall.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{Cx, Failure, ListeningPort, Loop, Transport};
use ropewalk_framing::{LineProtocol, LineReceiver};
use ropewalk_testing::{MemoryServerEndpoint, Random, Seed};

/// A server called `nats`.
pub(crate) struct Broker {
    shared: Rc<Shared>,
    port: RefCell<Option<ListeningPort>>,
}

struct Shared {
    clients: RefCell<Vec<Client>>,
    random: RefCell<Random>,
    /// Of a hundred messages so many are lost.
    loss: Cell<u64>,
    /// Messages that were lost.
    lost: Cell<u64>,
    /// Messages that were not.
    spread: Cell<u64>,
}

struct Client {
    transport: Transport,
    /// Subject and number.
    subscriptions: Vec<(String, String)>,
}

/// One connection.
struct Connection {
    shared: Rc<Shared>,
    /// Where a message goes whose payload has not come, and how long that is.
    publishing: Option<(String, usize)>,
}

impl Broker {
    pub(crate) fn new(seed: u64) -> Self {
        let shared = Shared {
            clients: RefCell::default(),
            random: RefCell::new(Random::new(Seed::new(seed))),
            loss: Cell::new(0),
            lost: Cell::new(0),
            spread: Cell::new(0),
        };
        Self { shared: Rc::new(shared), port: RefCell::default() }
    }

    pub(crate) fn listen(&self, event_loop: &Loop) {
        let shared = self.shared.clone();
        let factory =
            move || LineReceiver::new(Connection { shared: shared.clone(), publishing: None });
        let listening = event_loop.reactor().listen(&MemoryServerEndpoint::new("nats"), factory);
        let port = event_loop.run_until(listening).expect("the name is free");
        self.port.replace(Some(port));
    }

    /// It is gone, with all connections.
    pub(crate) fn fall(&self, event_loop: &Loop) {
        if let Some(port) = self.port.take() {
            drop(event_loop.run_until(port.stop_listening()));
        }
        let clients = self.shared.clients.take();
        clients.iter().for_each(|client| client.transport.abort_connection());
    }

    /// From now on, of a hundred messages so many are lost.
    pub(crate) fn lose(&self, percent: u64) {
        self.shared.loss.set(percent);
    }

    pub(crate) fn spread(&self) -> u64 {
        self.shared.spread.get()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.shared.lost.get()
    }
}

impl Shared {
    fn spread(&self, from: &Transport, subject: &str, payload: &[u8]) {
        for client in self.clients.borrow().iter() {
            let wanted = client.subscriptions.iter().find(|(wanted, _)| wanted == subject);
            let Some((_, number)) = wanted.filter(|_| !client.transport.is_same(from)) else {
                continue;
            };
            if self.random.borrow_mut().below(100) < self.loss.get() {
                self.lost.set(self.lost.get() + 1);
                continue;
            }
            self.spread.set(self.spread.get() + 1);
            let line = format!("MSG {subject} {number} {}\r\n", payload.len());
            client.transport.write(&[line.as_bytes(), payload, b"\r\n"].concat());
        }
    }
}

impl LineProtocol for Connection {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let transport = cx.transport().clone();
        transport.write(b"INFO {\"server_id\":\"MEMORY\",\"max_payload\":1048576}\r\n");
        self.shared.clients.borrow_mut().push(Client { transport, subscriptions: Vec::new() });
    }

    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["PING"] => cx.transport().write(b"PONG\r\n"),
            ["SUB", subject, number] => {
                let mut clients = self.shared.clients.borrow_mut();
                let own = clients.iter_mut().find(|one| one.transport.is_same(cx.transport()));
                let own = own.expect("it is connected");
                own.subscriptions.push((subject.to_owned(), number.to_owned()));
            }
            ["PUB", subject, bytes] => {
                let bytes: usize = bytes.parse().expect("a number");
                self.publishing = Some((subject.to_owned(), bytes + 2));
            }
            _ => {}
        }
    }

    fn is_raw(&self) -> bool {
        self.publishing.is_some()
    }

    fn raw_data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) -> usize {
        let Some((_, bytes)) = &self.publishing else { return 0 };
        if data.len() < *bytes {
            return 0;
        }
        let (subject, bytes) = self.publishing.take().expect("it is there");
        self.shared.spread(cx.transport(), &subject, &data[..bytes - 2]);
        bytes
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, _: Failure) {
        self.shared.clients.borrow_mut().retain(|one| !one.transport.is_same(cx.transport()));
    }
}
