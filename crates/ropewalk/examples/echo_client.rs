//! The other side of the echo server: says a line, waits for it to come back, and ends. With `async`.
//!
//! `cargo run --example echo_client -- tcp:127.0.0.1:8007 hello`
#![allow(clippy::print_stdout, reason = "an example speaks")]

use ropewalk::{Cx, Deferred, Failure, Protocol, Resolver};

/// Hands what comes back to whoever waits for it.
struct Client {
    expected: usize,
    received: Vec<u8>,
    answered: Option<Resolver<Vec<u8>>>,
}

impl Client {
    /// Says something; the Deferred has the echo.
    fn say(&mut self, cx: &mut Cx<'_>, text: &str) -> Deferred<Vec<u8>> {
        let (answered, echo) = Deferred::new();
        self.expected = text.len();
        self.answered = Some(answered);
        cx.transport().write(text.as_bytes());
        echo
    }
}

impl Protocol for Client {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.received.extend_from_slice(data);
        if self.received.len() >= self.expected
            && let Some(answered) = self.answered.take()
        {
            answered.callback(std::mem::take(&mut self.received));
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        if let Some(answered) = self.answered.take() {
            answered.errback(reason);
        }
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().unwrap_or("tcp:127.0.0.1:8007".to_owned());
    let text = arguments.next().unwrap_or("hello".to_owned());
    ropewalk::run(|reactor| {
        let reactor = reactor.clone();
        reactor.clone().spawn(async move {
            let make = || Client { expected: 0, received: Vec::new(), answered: None };
            let client = ropewalk::connect(&reactor, &endpoint, make).await?;
            let echo = client.call(move |client, cx| client.say(cx, &text)).await?.await?;
            println!("{}", String::from_utf8_lossy(&echo));
            reactor.stop()
        })
    })
}
