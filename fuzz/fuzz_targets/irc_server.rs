//! A server of IRC that hears any bytes from a client, in pieces whose size the first byte says: it neither panics nor
//! keeps the user, and what it says are lines of IRC.
#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use ropewalk_core::FailureKind;
use ropewalk_irc::network::{Network, NetworkLimits, Server};
use ropewalk_irc::server::{IrcFactory, IrcSettings};
use ropewalk_irc::{LineLimits, Message};
use ropewalk_testing::Conversation;

/// So the bytes that are found are commands of a user, who has asked for all that changes what is said.
const GREETING: &[u8] = b"CAP REQ :batch labeled-response echo-message message-tags server-time\r\n\
    NICK dan\r\nUSER d 0 * :Dan\r\nCAP END\r\nJOIN #a\r\n";

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let server =
        Server::with_calendar(&Network::new(NetworkLimits::default()), || SystemTime::UNIX_EPOCH);
    let factory = IrcFactory::new(server.clone(), IrcSettings::default());
    let session = Conversation::new(factory);
    session.feed(GREETING);
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        session.feed(piece);
    }
    session.close_peer();
    session.advance(Duration::from_secs(300));
    let why = session.lost().expect("a connection that is over is lost");
    assert!(!why.is(FailureKind::Panic), "{why:?}");
    assert_eq!(server.counts().users, 0);
    let told = String::from_utf8(session.written()).expect("it is UTF-8");
    for line in told.lines() {
        let read = Message::parse(line, &LineLimits::FROM_SERVER);
        assert!(read.is_ok(), "{line:?}");
    }
});
