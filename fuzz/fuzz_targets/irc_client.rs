//! A client of IRC that hears any bytes from its server, in pieces whose size the first byte says, while it asks
//! things: it neither panics nor hangs, and everything that it asked has an end.
#![no_main]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ropewalk_core::{Deferred, FailureKind};
use ropewalk_irc::client::{ClientOptions, Irc, IrcClient, IrcClientFactory, Sasl};
use ropewalk_testing::Conversation;

/// Counts what was asked and has no answer.
#[derive(Clone, Default)]
struct Asker(Rc<Cell<usize>>);

impl Asker {
    fn count<T: 'static>(&self, asked: Deferred<T>) {
        self.0.set(self.0.get() + 1);
        let open = self.0.clone();
        drop(asked.add_both(move |_| open.set(open.get() - 1)));
    }
}

impl IrcClient for Asker {
    fn signed_on(&mut self, irc: &Irc) {
        self.count(irc.join("#a"));
        self.count(irc.whois("eve"));
        self.count(irc.list(""));
        self.count(irc.mode("#a", &["+n"]));
        self.count(irc.privmsg("#a", "hello"));
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let asker = Asker::default();
    let made = asker.clone();
    let sasl = Sasl::Plain { account: "dan".to_owned(), password: "secret".to_owned() };
    let options =
        ClientOptions { sasl: vec![sasl], sasl_is_required: false, ..ClientOptions::new("dan") };
    let client = Conversation::new(IrcClientFactory::new(options, move || made.clone()));
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        client.feed(piece);
    }
    client.close_peer();
    client.advance(Duration::from_secs(300));
    let why = client.lost().expect("a connection that is over is lost");
    assert!(!why.is(FailureKind::Panic), "{why:?}");
    assert_eq!(asker.0.get(), 0, "something was asked and never answered");
});
