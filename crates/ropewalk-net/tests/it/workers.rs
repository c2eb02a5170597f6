//! Several reactors on several threads: sharing of ports, messages, ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use ropewalk_core::{
    Cx, DatagramProtocol, DatagramTransport, Deferred, Failure, FailureKind, Protocol, Reactor,
    ServerEndpoint,
};
use ropewalk_net::{
    AcceptBalance, RunningWorkers, TcpServerEndpoint, UdpEndpoint, UnixServerEndpoint, Worker,
    Workers, endpoints,
};

use crate::rig::{Directory, drivers};

/// Says the number of its worker, and then echoes.
struct Numbered(usize);

impl Protocol for Numbered {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        cx.transport().write(&[b'0' + u8::try_from(self.0).unwrap()]);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

impl DatagramProtocol for Numbered {
    fn datagram_received(
        &mut self,
        transport: &DatagramTransport,
        _: &[u8],
        from: &ropewalk_core::Address,
    ) {
        transport.send_to(self.0.to_string().into_bytes(), from);
    }
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Listens with a [`Numbered`] for each connection; where is told.
fn serve(
    worker: &Worker,
    reactor: &Reactor,
    endpoint: &impl ServerEndpoint,
    hosts: Sender<SocketAddr>,
) -> Deferred<()> {
    let index = worker.index();
    reactor.listen(endpoint, move || Numbered(index)).add_callback(move |port| {
        if let Some(host) = port.host().ip() {
            hosts.send(host).unwrap();
        }
    })
}

fn serving(workers: &Workers) -> (RunningWorkers, SocketAddr) {
    let (hosts, told): (_, Receiver<SocketAddr>) = channel();
    let set_up = move |worker: &Worker, reactor: &Reactor| {
        serve(worker, reactor, &TcpServerEndpoint::new(local()), hosts.clone())
    };
    let running = workers.start(set_up).unwrap();
    let hosts: Vec<_> = (0..workers.count).map(|_| told.recv().unwrap()).collect();
    assert!(hosts.windows(2).all(|two| two[0] == two[1]), "one port for all: {hosts:?}");
    (running, hosts[0])
}

/// The number that the worker says.
fn number(stream: &mut impl Read) -> usize {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    usize::from(byte[0] - b'0')
}

fn connect(host: SocketAddr) -> (TcpStream, usize) {
    let mut stream = TcpStream::connect(host).unwrap();
    let worker = number(&mut stream);
    (stream, worker)
}

#[test]
fn the_system_shares_out_the_connections_of_one_port() {
    let (running, host) = serving(&Workers::new(2));
    let mut connections: Vec<_> = (0..64).map(|_| connect(host)).collect();
    let of_first = connections.iter().filter(|(_, worker)| *worker == 0).count();
    assert!((1..64).contains(&of_first), "{of_first} of 64");
    for (stream, _) in &mut connections {
        stream.write_all(b"x").unwrap();
        let mut back = [0];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"x");
    }
    running.stop();
    running.wait().unwrap();
    assert!(TcpStream::connect(host).is_err(), "nobody listens any more");
    let mut rest = Vec::new();
    connections[0].0.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "the connection was closed in order");
}

#[test]
fn each_connection_goes_to_whom_has_the_fewest() {
    for driver in drivers() {
        let workers = Workers {
            reactor: Some(driver.to_owned()),
            accept_balance: AcceptBalance::Fewest,
            ..Workers::new(3)
        };
        let (running, host) = serving(&workers);
        let mut connections: Vec<_> = (0..30).map(|_| connect(host)).collect();
        let count = |connections: &[(TcpStream, usize)], of| {
            connections.iter().filter(|(_, worker)| *worker == of).count()
        };
        assert_eq!([0, 1, 2].map(|worker| count(&connections, worker)), [10, 10, 10]);
        // The second worker's all go, and the next ones are all for it.
        for (stream, _) in connections.iter_mut().filter(|(_, worker)| *worker == 1) {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
        connections.retain(|(_, worker)| *worker != 1);
        // The end that a client sees comes a moment before the worker has counted.
        let mut last = connect(host);
        while last.1 != 1 {
            drop(last);
            last = connect(host);
        }
        connections.push(last);
        connections.extend((0..8).map(|_| connect(host)));
        assert!(count(&connections, 1) >= 8, "{driver}: {}", count(&connections, 1));
        running.stop();
        running.wait().unwrap();
    }
}

#[test]
fn a_unix_socket_is_shared_and_its_file_goes_with_the_last() {
    let directory = Directory::new();
    let path = directory.join("shared.sock");
    let endpoint = path.clone();
    let (hosts, _told) = channel();
    let workers = Workers { accept_balance: AcceptBalance::Fewest, ..Workers::new(2) };
    let running = workers
        .start(move |worker, reactor| {
            serve(worker, reactor, &UnixServerEndpoint::new(endpoint.clone()), hosts.clone())
        })
        .unwrap();
    let mut streams: Vec<_> = (0..4).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let mut numbers: Vec<_> = streams.iter_mut().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 0, 1, 1]);
    running.stop();
    running.wait().unwrap();
    assert!(!path.exists());
}

#[test]
fn udp_is_shared_by_its_port_and_private_without_one() {
    // An address that no other test uses, so that nobody takes the port meanwhile.
    let free = UdpSocket::bind("127.0.88.1:0").unwrap().local_addr().unwrap();
    let (hosts, told) = channel();
    let running = Workers::new(2)
        .start(move |worker, reactor| {
            let (index, hosts) = (worker.index(), hosts.clone());
            let shared = reactor.open(&UdpEndpoint::new(free), Numbered(index));
            let private = reactor.open(&UdpEndpoint::new(local()), Numbered(index));
            shared.add_callback(move |_| {
                private.add_callback(move |socket| hosts.send(socket.host()).unwrap())
            })
        })
        .unwrap();
    assert_ne!(told.recv().unwrap(), told.recv().unwrap());
    let answers: Vec<_> = (0..64)
        .map(|_| {
            let client = UdpSocket::bind(local()).unwrap();
            client.send_to(b"?", free).unwrap();
            let mut answer = [0; 8];
            let (count, from) = client.recv_from(&mut answer).unwrap();
            assert_eq!(from, free);
            answer[..count].to_vec()
        })
        .collect();
    assert!(answers.contains(&b"0".to_vec()) && answers.contains(&b"1".to_vec()), "{answers:?}");
    drop(running);
}

#[test]
fn a_port_that_another_program_has_is_not_joined() {
    let holder = TcpListener::bind(local()).unwrap();
    let taken = holder.local_addr().unwrap();
    let (hosts, _told) = channel();
    let set_up = move |worker: &Worker, reactor: &Reactor| {
        serve(worker, reactor, &TcpServerEndpoint::new(taken), hosts.clone())
    };
    let failure = Workers::new(2).start(set_up).err().unwrap();
    assert!(failure.to_string().ends_with("Address already in use (os error 98)"), "{failure}");
    assert!(failure.to_string().starts_with("worker "), "{failure}");
}

#[test]
fn what_is_opened_after_the_set_up_is_ones_own() {
    let (running, host) = serving(&Workers::new(2));
    let (told, results) = channel();
    for remote in running.remotes() {
        let told = told.clone();
        let call = move |reactor: &Reactor| {
            let port = reactor.listen(&TcpServerEndpoint::new(local()), || Numbered(0));
            drop(port.add_both(move |port| told.send(port.map(|port| port.host())).unwrap()));
        };
        remote.call_from_thread(call).unwrap();
    }
    let [one, other] = [results.recv().unwrap(), results.recv().unwrap()].map(Result::unwrap);
    assert!(one != other && one.ip() != Some(host) && other.ip() != Some(host));
    drop(running);
}

#[test]
fn workers_call_each_other() {
    let (told, heard) = channel();
    let running = Workers::new(3)
        .start(move |worker, _| {
            for remote in worker.remotes() {
                let (from, told) = (worker.index(), told.clone());
                let call = move |_: &Reactor| {
                    let thread = std::thread::current();
                    told.send((from, thread.name().unwrap().to_owned())).unwrap();
                };
                remote.call_from_thread(call).unwrap();
            }
        })
        .unwrap();
    let mut calls: Vec<_> = (0..9).map(|_| heard.recv().unwrap()).collect();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 9, "{calls:?}");
    drop(running);
}

#[test]
fn a_panic_in_a_set_up_is_reported_and_all_end() {
    let failure =
        Workers::new(3).start(|worker, _| assert_ne!(worker.index(), 1, "as asked")).err().unwrap();
    assert!(failure.is(FailureKind::Panic), "{failure:?}");
    let said = failure.to_string();
    assert!(said.starts_with("worker 1: ") && said.contains("as asked"), "{said}");
}

#[test]
fn a_set_up_that_fails_later_is_reported_too() {
    let failure = Workers::new(2)
        .start(|worker, reactor| {
            let index = worker.index();
            ropewalk_core::defer_later(reactor, std::time::Duration::from_millis(1), move || {
                if index == 0 { Err(Failure::new(FailureKind::Local, "as asked")) } else { Ok(()) }
            })
        })
        .err()
        .unwrap();
    assert_eq!(failure.to_string(), "worker 0: as asked");
}

#[test]
fn when_one_stops_all_stop() {
    static STOPPED: AtomicUsize = AtomicUsize::new(0);
    let running = Workers::new(3)
        .start(|_, reactor| {
            reactor.add_system_event_trigger(ropewalk_core::ShutdownPart::After, || {
                STOPPED.fetch_add(1, Ordering::SeqCst);
            });
        })
        .unwrap();
    running.remotes()[1].call_from_thread(|reactor| reactor.stop().unwrap()).unwrap();
    running.wait().unwrap();
    assert_eq!(STOPPED.load(Ordering::SeqCst), 3);
}

#[test]
fn one_connection_cannot_be_shared() {
    let failure = Workers::new(2)
        .start(|_, reactor| {
            let endpoint = endpoints(reactor).server("stdio:").unwrap();
            reactor.listen(&endpoint, || Numbered(0)).add_callback(|_| ())
        })
        .err()
        .unwrap();
    let why = "it is one connection, which several workers cannot share";
    assert!(failure.to_string().ends_with(why), "{failure}");
}

#[test]
fn an_unknown_reactor_is_an_error_of_the_start() {
    let workers = Workers { reactor: Some("kqueue".into()), ..Workers::new(2) };
    let failure = workers.start(|_, _| ()).err().unwrap();
    assert!(failure.to_string().contains("there is no reactor called \"kqueue\""), "{failure}");
}
