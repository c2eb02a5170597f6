//! The other floor: the least that an io_uring loop does to echo.
//!
//! One multishot accept gives connections, as numbers in the ring's own table of files. One multishot receive
//! for each gives bytes, in buffers that the kernel takes out of a ring of free ones ([`buffers`]). They are sent
//! from there. All sends of a turn go to the kernel with the one system call that also waits: one per turn,
//! however many messages. `DEFER_TASKRUN` and `SINGLE_ISSUER` keep the kernel's part of the work in that call too.
//!
//! A bare loop's limit: a peer that sends without reading takes buffers from all others until it reads.

#![allow(unsafe_code, reason = "what is submitted to io_uring points into our memory")]

mod buffers;

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use rustix::process::{Resource, getrlimit};

use buffers::Buffers;

/// Entries of the submission queue: when a turn has more to say, it says it in several calls.
const SUBMISSIONS: u32 = 4096;
/// Room for what happens in one turn; the kernel keeps what overflows.
const COMPLETIONS: u32 = 32768;

/// `-ENOBUFS`: all buffers are taken; the receive has to be submitted again.
const NO_BUFFERS: i32 = -105;
/// `MSG_WAITALL`: the kernel goes on by itself after a partial send. `MSG_NOSIGNAL`: no SIGPIPE.
const SEND_FLAGS: i32 = 0x100 | 0x4000;
/// `SHUT_RDWR`.
const BOTH_WAYS: i32 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Server::new()?; // Before it says that it listens: the ring may be refused.
    let listener = peers::listen()?;
    // Connections inherit it, so none has to be asked.
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
    Ok(server.run(listener.as_raw_fd())?)
}

/// What a completion is about; with a connection's number it makes a `user_data`.
#[derive(Clone, Copy)]
enum Kind {
    Accept,
    Receive,
    Send,
    Other,
}

/// Bytes to be sent: a part of a buffer.
#[derive(Clone, Copy)]
struct Piece {
    buffer: u16,
    start: u16,
    end: u16,
}

/// One connection, by its number in the table of files.
#[derive(Default)]
struct Connection {
    receiving: bool,
    /// The one that the kernel has: two at once could pass each other.
    sending: Option<Piece>,
    waiting: VecDeque<Piece>,
    /// Nothing more will come; it is closed when all is sent.
    ended: bool,
}

struct Server {
    ring: IoUring,
    buffers: Buffers,
    connections: Vec<Connection>,
    /// Those that found no buffer.
    starving: Vec<u32>,
}

impl Server {
    fn new() -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_submit_all();
        let ring = builder.setup_cqsize(COMPLETIONS).build(SUBMISSIONS)?;
        let buffers = Buffers::register(&ring)?;
        let files = getrlimit(Resource::Nofile).current.unwrap_or(1 << 16).min(1 << 16);
        ring.submitter().register_files_sparse(u32::try_from(files).expect("at most 65,536"))?;
        Ok(Self { ring, buffers, connections: Vec::new(), starving: Vec::new() })
    }

    fn run(&mut self, listener: i32) -> io::Result<()> {
        self.accept(listener)?;
        let mut completions = Vec::with_capacity(COMPLETIONS as usize);
        loop {
            match self.ring.submit_and_wait(1) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            completions.extend(self.ring.completion());
            for entry in completions.drain(..) {
                self.complete(&entry, listener)?;
            }
            // With none free, sends are under way whose end wakes us.
            if self.buffers.are_there() {
                for number in std::mem::take(&mut self.starving) {
                    self.receive(number)?;
                }
            }
        }
    }

    fn complete(&mut self, entry: &cqueue::Entry, listener: i32) -> io::Result<()> {
        let number = (entry.user_data() & 0xffff_ffff) as u32;
        match entry.user_data() >> 32 {
            kind if kind == Kind::Accept as u64 => self.accepted(entry, listener),
            kind if kind == Kind::Receive as u64 => self.received(entry, number),
            kind if kind == Kind::Send as u64 => self.sent(entry.result(), number),
            _ => Ok(()),
        }
    }

    fn accepted(&mut self, entry: &cqueue::Entry, listener: i32) -> io::Result<()> {
        if let Ok(number) = u32::try_from(entry.result()) {
            if number as usize >= self.connections.len() {
                self.connections.resize_with(number as usize + 1, Connection::default);
            }
            self.connections[number as usize] = Connection::default();
            self.receive(number)?;
        }
        if cqueue::more(entry.flags()) { Ok(()) } else { self.accept(listener) }
    }

    fn received(&mut self, entry: &cqueue::Entry, number: u32) -> io::Result<()> {
        let connection = &mut self.connections[number as usize];
        connection.receiving = cqueue::more(entry.flags());
        if let Some(buffer) = cqueue::buffer_select(entry.flags()) {
            self.buffers.taken();
            let end = u16::try_from(entry.result()).expect("a buffer is smaller");
            connection.waiting.push_back(Piece { buffer, start: 0, end });
        }
        match entry.result() {
            NO_BUFFERS => self.starving.push(number),
            count if count <= 0 => connection.ended = true,
            _ if !connection.receiving => self.receive(number)?,
            _ => (),
        }
        self.go_on(number)
    }

    fn sent(&mut self, result: i32, number: u32) -> io::Result<()> {
        let connection = &mut self.connections[number as usize];
        let mut piece = connection.sending.take().expect("it was being sent");
        match u16::try_from(result) {
            Ok(count) if piece.start + count < piece.end => {
                piece.start += count;
                connection.waiting.push_front(piece);
            }
            Ok(_) => self.buffers.put_back(piece.buffer),
            Err(_) => {
                // Nobody hears us. The receive ends by this as well, and then the connection.
                let unsent = connection.waiting.drain(..);
                std::iter::once(piece).chain(unsent).for_each(|p| self.buffers.put_back(p.buffer));
                let shutdown = opcode::Shutdown::new(types::Fixed(number), BOTH_WAYS).build();
                self.submit(shutdown, Kind::Other, number)?;
            }
        }
        self.go_on(number)
    }

    /// Sends what is next, or closes what has ended.
    fn go_on(&mut self, number: u32) -> io::Result<()> {
        let connection = &mut self.connections[number as usize];
        if connection.sending.is_some() {
            return Ok(());
        }
        if let Some(piece) = connection.waiting.pop_front() {
            connection.sending = Some(piece);
            let start = self.buffers.start(piece.buffer).wrapping_add(piece.start.into());
            let count = u32::from(piece.end - piece.start);
            let send = opcode::Send::new(types::Fixed(number), start, count).flags(SEND_FLAGS);
            return self.submit(send.build(), Kind::Send, number);
        }
        if connection.ended && !connection.receiving {
            connection.ended = false;
            connection.waiting = VecDeque::new();
            let close = opcode::Close::new(types::Fixed(number)).build();
            return self.submit(close, Kind::Other, number);
        }
        Ok(())
    }

    fn accept(&mut self, listener: i32) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(types::Fd(listener)).allocate_file_index(true);
        self.submit(accept.build(), Kind::Accept, 0)
    }

    fn receive(&mut self, number: u32) -> io::Result<()> {
        self.connections[number as usize].receiving = true;
        let receive = opcode::RecvMulti::new(types::Fixed(number), buffers::GROUP).build();
        self.submit(receive, Kind::Receive, number)
    }

    /// Puts it into the queue, which is submitted with the next wait, or now if it is full.
    fn submit(&mut self, entry: squeue::Entry, kind: Kind, number: u32) -> io::Result<()> {
        let entry = entry.user_data((kind as u64) << 32 | u64::from(number));
        // SAFETY: a send points into a buffer that goes back to the kernel only after the send has completed;
        // nothing else points anywhere.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }
}
