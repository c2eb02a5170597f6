//! Twisted's first program: a protocol that writes back, and a factory that counts live connections.
//!
//! `cargo run --example echo` and then `nc 127.0.0.1 8007`.
#![allow(clippy::print_stdout, reason = "an example speaks")]

use std::cell::Cell;
use std::rc::Rc;

use ropewalk::{Cx, Factory, Failure, Protocol, Transport};

/// Makes an `Echo` for each connection, and shares the count with all of them.
#[derive(Default)]
struct EchoFactory {
    live: Rc<Cell<usize>>,
}

struct Echo {
    live: Rc<Cell<usize>>,
}

impl Factory for EchoFactory {
    type Protocol = Echo;

    fn build_protocol(&self, _: &Transport) -> Option<Echo> {
        Some(Echo { live: self.live.clone() })
    }
}

impl Protocol for Echo {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.live.set(self.live.get() + 1);
        println!("{} is here, {} connected", cx.transport().peer(), self.live.get());
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.live.set(self.live.get() - 1);
        println!("one is gone ({reason}), {} connected", self.live.get());
    }
}

fn main() -> Result<(), Failure> {
    let endpoint = std::env::args().nth(1).unwrap_or("tcp:8007:interface=127.0.0.1".to_owned());
    ropewalk::run(|reactor| {
        ropewalk::listen(reactor, &endpoint, EchoFactory::default())
            .add_callback(|port| println!("listening on {}", port.host()))
    })
}
