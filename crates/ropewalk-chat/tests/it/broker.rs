//! [`Broker`]: a NATS server in memory, as far as the chat needs one; it can lose messages, and can fall.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use ropewalk_core::{Cx, Failure, ListeningPort, Loop, Transport};
use ropewalk_framing::{LineProtocol, LineReceiver};
use ropewalk_testing::{MemoryNetwork, MemoryServerEndpoint, Random, Seed};
use serde_json::Value;

/// A server called `nats`.
pub(crate) struct Broker {
    shared: Rc<Shared>,
    port: RefCell<Option<ListeningPort>>,
}

struct Shared {
    clients: RefCell<Vec<Client>>,
    /// Names of clients that are not let in.
    kept_out: RefCell<BTreeSet<String>>,
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
    /// What it says that it is called.
    name: String,
    is_silent: bool,
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
            kept_out: RefCell::default(),
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

    /// The client of that name is thrown out, and is not let in until it may be.
    pub(crate) fn keep_out(&self, name: &str) {
        self.shared.kept_out.borrow_mut().insert(name.to_owned());
        let transport = self.shared.transport(name);
        transport.iter().for_each(Transport::abort_connection);
    }

    /// It may come again. Connections of it that fell silent are given up at this end.
    pub(crate) fn let_in(&self, name: &str) {
        self.shared.kept_out.borrow_mut().remove(name);
        let clients = self.shared.clients.borrow();
        let silent = clients.iter().filter(|client| client.is_silent && client.name == name);
        silent.for_each(|client| client.transport.abort_connection());
    }

    /// Nothing passes any more on the connection of that client, and neither end knows.
    pub(crate) fn silence(&self, name: &str, network: &MemoryNetwork) {
        let Some(transport) = self.shared.transport(name) else { return };
        network.silence(&transport);
        self.shared.change_client(&transport, |client| client.is_silent = true);
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
    fn transport(&self, name: &str) -> Option<Transport> {
        let clients = self.clients.borrow();
        clients.iter().rfind(|client| client.name == name).map(|client| client.transport.clone())
    }

    fn change_client(&self, transport: &Transport, change: impl FnOnce(&mut Client)) {
        let mut clients = self.clients.borrow_mut();
        let client = clients.iter_mut().find(|one| one.transport.is_same(transport));
        change(client.expect("it is connected"));
    }

    /// A client says what it is called.
    fn greet(&self, transport: &Transport, options: &str) {
        let options: Value = serde_json::from_str(options).expect("JSON");
        let name = options["name"].as_str().unwrap_or_default().to_owned();
        if self.kept_out.borrow().contains(&name) {
            transport.abort_connection();
        }
        self.change_client(transport, |client| client.name = name);
    }

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
        self.shared.clients.borrow_mut().push(Client {
            transport,
            name: String::new(),
            is_silent: false,
            subscriptions: Vec::new(),
        });
    }

    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if let Some(options) = line.strip_prefix("CONNECT ") {
            return self.shared.greet(cx.transport(), options);
        }
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["PING"] => cx.transport().write(b"PONG\r\n"),
            ["SUB", subject, number] => {
                let subscription = (subject.to_owned(), number.to_owned());
                self.shared.change_client(cx.transport(), |client| {
                    client.subscriptions.push(subscription);
                });
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
