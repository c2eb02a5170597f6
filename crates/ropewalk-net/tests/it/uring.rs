//! What is io_uring's own: buffers that run out, slots that wait for their last completion.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use ropewalk_core::{Cx, Loop, Protocol, Transport};
use ropewalk_net::{
    AdoptedServerEndpoint, TcpServerEndpoint, UdpEndpoint, UnixServerEndpoint, new_loop,
};
use socket2::{Domain, SockRef, Socket, Type};

use crate::rig::{Directory, Echo, Letters, drivers, get, noise, until};

/// A loop over io_uring, if the kernel has it.
fn uring() -> Option<Loop> {
    drivers().contains(&"uring").then(|| new_loop(Some("uring")).unwrap())
}

fn serve<P: Protocol>(main_loop: &Loop, make: impl Fn() -> P + 'static) -> SocketAddr {
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let listening = main_loop.reactor().listen(&server, make);
    get(main_loop, listening).unwrap().host().ip().unwrap()
}

/// Counts what it gets.
struct Counting(Rc<Cell<usize>>);

impl Protocol for Counting {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
        cx.transport().write(data);
    }
}

/// Each of them sends half a dozen buffers at once; there are 256.
const CROWD: usize = 100;

#[test]
fn more_speak_at_once_than_there_are_buffers() {
    let Some(main_loop) = uring() else { return };
    let counted = Rc::new(Cell::new(0));
    let count = counted.clone();
    let host = serve(&main_loop, move || Counting(count.clone()));
    let mut clients = Vec::new();
    for number in 1..=CROWD {
        clients.push(TcpStream::connect(host).unwrap());
        until(&main_loop, || main_loop.reactor().sources() > number);
    }
    let message = [b'x'; 24_000];
    for round in 1..=3 {
        clients.iter_mut().for_each(|client| client.write_all(&message).unwrap());
        until(&main_loop, || counted.get() == round * CROWD * message.len());
        let mut back = [0; 24_000];
        clients.iter_mut().for_each(|client| client.read_exact(&mut back).unwrap());
    }
}

/// Counts what it gets, echoes it, and keeps its transport.
struct Kept(Rc<Cell<usize>>, Rc<RefCell<Vec<Transport>>>);

impl Protocol for Kept {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.1.borrow_mut().push(cx.transport().clone());
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
        cx.transport().write(data);
    }
}

/// Enough to speak at once that what is sent to them goes with the next wait.
const CHOIR: usize = 40;

#[test]
fn many_that_do_not_read_for_a_while_get_all_and_in_order() {
    let Some(main_loop) = uring() else { return };
    let (counted, kept) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let (count, keep) = (counted.clone(), kept.clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    // What is accepted inherits it: soon there is no room.
    SockRef::from(&listener).set_send_buffer_size(4096).unwrap();
    let adopted = AdoptedServerEndpoint { fd: listener.as_raw_fd() };
    let serving = main_loop.reactor().listen(&adopted, move || Kept(count.clone(), keep.clone()));
    get(&main_loop, serving).unwrap();
    let mut clients = Vec::new();
    for _ in 0..CHOIR {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&host.into()).unwrap();
        clients.push(TcpStream::from(socket));
    }
    until(&main_loop, || kept.borrow().len() == CHOIR);
    let said = noise(300 * 400);
    for (round, piece) in (1..).zip(said.chunks(400)) {
        clients.iter_mut().for_each(|client| client.write_all(piece).unwrap());
        until(&main_loop, || counted.get() == round * CHOIR * 400);
    }
    assert!(kept.borrow().iter().all(|transport| transport.buffered() > 50_000));
    let mut heard = vec![Vec::new(); CHOIR];
    let mut buffer = vec![0; 65_536];
    clients.iter().for_each(|client| client.set_nonblocking(true).unwrap());
    until(&main_loop, || {
        for (client, heard) in clients.iter_mut().zip(&mut heard) {
            while let Ok(count) = client.read(&mut buffer) {
                heard.extend_from_slice(&buffer[..count]);
            }
        }
        heard.iter().all(|heard| heard.len() == said.len())
    });
    assert!(heard.iter().all(|heard| *heard == said));
    assert!(kept.borrow().iter().all(|transport| transport.buffered() == 0));
}

/// Little and much by turns: received by the kernel, read by us, received again.
const SIZES: [usize; 12] = [1, 300_000, 1, 50, 20_000, 4096, 4096, 12_288, 4097, 1, 100_000, 7];

#[test]
fn little_and_much_by_turns_is_heard_in_order() {
    let Some(main_loop) = uring() else { return };
    let directory = Directory::new();
    let tcp = serve(&main_loop, || Echo);
    let unix = UnixServerEndpoint::new(directory.join("socket"));
    get(&main_loop, main_loop.reactor().listen(&unix, || Echo)).unwrap();
    let unix = UnixStream::connect(directory.join("socket")).unwrap();
    for socket in [Socket::from(TcpStream::connect(tcp).unwrap()), Socket::from(unix)] {
        socket.set_nonblocking(true).unwrap();
        let (said, mut heard) = (noise(SIZES.iter().sum()), Vec::new());
        let (mut sent, mut end, mut buffer) = (0, 0, vec![0; 65_536]);
        for size in SIZES {
            end += size;
            until(&main_loop, || {
                sent += (&socket).write(&said[sent..end]).unwrap_or(0);
                while let Ok(count @ 1..) = (&socket).read(&mut buffer) {
                    heard.extend_from_slice(&buffer[..count]);
                }
                heard.len() == end
            });
        }
        assert!(heard == said);
        // Once more much, with an end behind it.
        let mut left = 100_000;
        until(&main_loop, || {
            left -= (&socket).write(&said[..left]).unwrap_or(0);
            left == 0
        });
        socket.shutdown(Shutdown::Write).unwrap();
        until(&main_loop, || (&socket).read(&mut buffer).is_ok_and(|count| count == 0));
    }
}

/// Answers, and ends.
struct Ending;

impl Protocol for Ending {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
        cx.transport().lose_connection();
    }
}

#[test]
fn each_of_many_that_are_answered_and_ended_hears_its_answer() {
    let Some(main_loop) = uring() else { return };
    let host = serve(&main_loop, || Ending);
    for _ in 0..20 {
        let mut clients: Vec<_> = (0..100).map(|_| TcpStream::connect(host).unwrap()).collect();
        until(&main_loop, || main_loop.reactor().sources() == 101);
        clients.iter_mut().for_each(|client| client.write_all(b"hello").unwrap());
        // Some are gone before they are answered.
        clients.drain(..5).for_each(|client| socket_reset(&client));
        until(&main_loop, || main_loop.reactor().sources() == 1);
        for client in &mut clients {
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).unwrap();
            assert_eq!(heard, b"hello");
        }
    }
}

/// Pauses when it is told the first thing.
struct Pausing(Rc<Cell<Option<Transport>>>);

impl Protocol for Pausing {
    fn data_received(&mut self, cx: &mut Cx<'_>, _: &[u8]) {
        cx.transport().pause_producing();
        self.0.set(Some(cx.transport().clone()));
    }
}

#[test]
fn one_that_pauses_keeps_no_buffers_from_the_others() {
    let Some(main_loop) = uring() else { return };
    let paused = Rc::new(Cell::new(None));
    let kept = paused.clone();
    let hoarders = serve(&main_loop, move || Pausing(kept.clone()));
    let echo = serve(&main_loop, || Echo);
    let mut flood = TcpStream::connect(hoarders).unwrap();
    flood.set_nonblocking(true).unwrap();
    // Far more than all buffers hold, for as long as the system takes it.
    for _ in 0..200 {
        while flood.write(&[b'x'; 64 << 10]).is_ok() {}
        main_loop.turn(ropewalk_core::Wait::No).unwrap().unwrap();
    }
    let mut client = TcpStream::connect(echo).unwrap();
    for _ in 0..100 {
        client.write_all(b"hello").unwrap();
        client.set_nonblocking(true).unwrap();
        let mut back = [0; 5];
        until(&main_loop, || client.read(&mut back).is_ok_and(|count| count == 5));
        client.set_nonblocking(false).unwrap();
    }
    let transport: Transport = paused.take().unwrap();
    assert!(transport.is_connected());
}

#[test]
fn ten_thousand_slots_are_used_again_after_their_last_completion() {
    let Some(main_loop) = uring() else { return };
    let counted = Rc::new(Cell::new(0));
    let count = counted.clone();
    let host = serve(&main_loop, move || Counting(count.clone()));
    for round in 0..100 {
        let mut clients: Vec<_> = (0..100).map(|_| TcpStream::connect(host).unwrap()).collect();
        let before = counted.get();
        clients.iter_mut().for_each(|client| client.write_all(b"x").unwrap());
        // Some end in order with a request in flight, some by a reset, some unheard.
        if round % 3 != 0 {
            until(&main_loop, || counted.get() >= before + 100);
        }
        if round % 2 == 0 {
            clients.iter().for_each(socket_reset);
        }
        drop(clients);
        // The system queues some for the port, and not all.
        if round % 5 == 4 {
            until(&main_loop, || main_loop.reactor().sources() == 1);
        }
    }
}

/// Aborts at once.
struct Aborting(Rc<Cell<usize>>);

impl Protocol for Aborting {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.0.set(self.0.get() + 1);
        cx.transport().abort_connection();
    }
}

#[test]
fn a_number_that_is_used_again_at_once_is_not_received_from() {
    let Some(main_loop) = uring() else { return };
    let aborted = Rc::new(Cell::new(0));
    let count = aborted.clone();
    let host = serve(&main_loop, move || Aborting(count.clone()));
    let _clients: Vec<_> = (0..10).map(|_| TcpStream::connect(host).unwrap()).collect();
    until(&main_loop, || aborted.get() > 0);
    // Its descriptor was closed in the turn that asked to receive from it, and the request has not been submitted.
    let mut pairs: Vec<_> = (0..10).map(|_| UnixStream::pair().unwrap()).collect();
    for (one, other) in &mut pairs {
        other.write_all(b"hello").unwrap();
        one.set_nonblocking(true).unwrap();
    }
    until(&main_loop, || aborted.get() == 10 && main_loop.reactor().sources() == 1);
    for (one, _) in &mut pairs {
        let mut heard = [0; 5];
        one.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }
}

/// Has the end of this socket be a reset.
fn socket_reset(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO)).unwrap();
}

#[test]
fn a_loop_is_dropped_with_everything_in_flight() {
    for _ in 0..20 {
        let Some(main_loop) = uring() else { return };
        let counted = Rc::new(Cell::new(0));
        let count = counted.clone();
        let host = serve(&main_loop, move || Counting(count.clone()));
        let mut clients: Vec<_> = (0..50).map(|_| TcpStream::connect(host).unwrap()).collect();
        until(&main_loop, || main_loop.reactor().sources() == 51);
        clients.iter_mut().for_each(|client| client.write_all(b"hello").unwrap());
        drop(main_loop);
        for client in &mut clients {
            // An end or a reset: nobody is there any more.
            let _ = client.read_to_end(&mut Vec::new());
        }
    }
}

#[test]
fn ports_are_free_when_the_loop_is_dropped() {
    for name in drivers() {
        let main_loop = new_loop(Some(name)).unwrap();
        // Handles that others keep do not matter.
        let reactor = main_loop.reactor().clone();
        let host = serve(&main_loop, || Echo);
        let udp = UdpEndpoint::new(([127, 0, 0, 1], 0));
        let udp = get(&main_loop, reactor.open(&udp, Letters::default())).unwrap().host();
        let _clients: Vec<_> = (0..50).map(|_| TcpStream::connect(host).unwrap()).collect();
        until(&main_loop, || reactor.sources() == 52);
        drop(main_loop);
        TcpListener::bind(host).unwrap_or_else(|error| panic!("{name}: {error}"));
        UdpSocket::bind(udp.ip().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
