//! A server of names that hears any bytes on a connection, in pieces whose size the first byte says: it does not panic, what it
//! says are frames with answers that can be read, and the connection comes to an end.
#![no_main]

mod dns_zone;

use std::time::Duration;

use domain::base::Message;
use libfuzzer_sys::fuzz_target;
use ropewalk_core::FailureKind;
use ropewalk_testing::Conversation;

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let server = dns_zone::server();
    let session = Conversation::new(server.streams());
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        session.feed(piece);
    }
    session.close_peer();
    session.advance(Duration::from_secs(300));
    let why = session.lost().expect("a connection that is over is lost");
    assert!(!why.is(FailureKind::Panic), "{why:?}");
    assert_eq!(server.replies_waiting(), 0);
    let written = session.written();
    let mut rest = &written[..];
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (frame, after) = after.split_at(length);
        let message = Message::from_octets(frame).expect("it has a header");
        for record in message.iter() {
            record.expect("its records can be read");
        }
        rest = after;
    }
});
