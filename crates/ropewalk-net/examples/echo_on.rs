//! Echoes on any endpoints: `echo_on tcp:8007 unix:/tmp/echo stdio:`, by `ROPEWALK_REACTOR` if that is set.
//!
//! Says where it listens on standard error, and ends when it is told to (SIGINT, SIGTERM) or, if `stdio:` is
//! among the endpoints, at the end of the input.
#![allow(clippy::print_stderr, reason = "a program may speak")]

use std::process::ExitCode;

use ropewalk_core::{Cx, Failure, Loop, Protocol};
use ropewalk_net::{endpoints, new_loop, stop_on_signals};

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

fn serve(main_loop: &Loop) -> Result<(), Failure> {
    let reactor = main_loop.reactor();
    stop_on_signals(reactor)?;
    let known = endpoints(reactor);
    for text in std::env::args().skip(1) {
        let listening = reactor.listen(&known.server(&text)?, || Echo);
        let port = main_loop.run_until(listening)?;
        eprintln!("listening on {}", port.host());
        if text == "stdio:" {
            let reactor = reactor.clone();
            // With the one connection lost there is nobody left; that it stops already is as good.
            drop(port.drained().add_callback(move |()| drop(reactor.stop())));
        }
    }
    main_loop.run()
}

fn main() -> ExitCode {
    let name = std::env::var("ROPEWALK_REACTOR").ok();
    match new_loop(name.as_deref()).and_then(|main_loop| serve(&main_loop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("echo_on: {failure}");
            ExitCode::from(2)
        }
    }
}
