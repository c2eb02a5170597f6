//! One protocol, talked to by hand; and in every way its bytes can be cut.

use std::panic::catch_unwind;
use std::time::Duration;

use ropewalk_core::{ConnectionLimits, Cx, FailureKind, Protocol};
use ropewalk_testing::{Conversation, check_protocol};

/// Answers each line with its length; leaves at `quit`, and after a minute of silence.
#[derive(Default)]
struct Lengths {
    line: Vec<u8>,
    idle: Option<ropewalk_core::DelayedCall>,
}

impl Protocol for Lengths {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let transport = cx.transport().clone();
        let minute = Duration::from_secs(60);
        self.idle = Some(cx.reactor().call_later(minute, move || transport.lose_connection()));
        cx.transport().write(b"ready\n");
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        for &byte in data {
            match byte {
                b'\n' if self.line == b"quit" => return cx.transport().lose_connection(),
                b'\n' => {
                    cx.transport().write(format!("{}\n", self.line.len()).as_bytes());
                    self.line.clear();
                }
                _ => self.line.push(byte),
            }
        }
    }
}

#[test]
fn a_conversation_step_by_step() {
    let lengths = Conversation::new(Lengths::default);
    assert_eq!(lengths.written(), b"ready\n");
    lengths.feed(b"hello\nwor");
    assert_eq!(lengths.written(), b"ready\n5\n");
    lengths.feed_pieces([&b"l"[..], b"d", b"\n"]);
    assert!(lengths.written().ends_with(b"5\n5\n"));
    assert!(lengths.lost().is_none() && !lengths.has_ended());
    lengths.feed(b"quit\nnot heard\n");
    assert!(lengths.lost().unwrap().is(FailureKind::ConnectionDone));
    assert!(lengths.has_ended() && lengths.written().ends_with(b"5\n5\n"));
}

#[test]
fn time_passes_when_it_is_told_to() {
    let lengths = Conversation::new(Lengths::default);
    lengths.advance(Duration::from_secs(59));
    assert!(lengths.lost().is_none());
    lengths.advance(Duration::from_secs(1));
    assert!(lengths.lost().unwrap().is(FailureKind::ConnectionDone));
}

#[test]
fn the_peer_may_end_or_reset() {
    let lengths = Conversation::new(Lengths::default);
    lengths.close_peer();
    assert!(lengths.lost().unwrap().is(FailureKind::ConnectionDone));
    let lengths = Conversation::new(Lengths::default);
    lengths.reset_peer();
    assert!(lengths.lost().unwrap().is(FailureKind::Peer));
}

#[test]
fn limits_are_those_of_the_conversation() {
    struct Flood;
    impl Protocol for Flood {
        fn connection_made(&mut self, cx: &mut Cx<'_>) {
            cx.transport().write(&[0; 2000]);
        }
    }
    let limits = ConnectionLimits { write_bytes_max: 1000, ..ConnectionLimits::default() };
    let flood = Conversation::with_limits(|| Flood, limits);
    assert!(flood.lost().unwrap().is(FailureKind::Limit));
}

#[test]
fn a_protocol_that_keeps_what_is_unfinished_passes() {
    check_protocol(|| Lengths::default, b"one\nthree\n\nseven chars\nquit\n");
}

/// Takes each piece for a message.
struct Careless;

impl Protocol for Careless {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data.len().to_string().as_bytes());
    }
}

#[test]
fn a_protocol_that_takes_pieces_for_messages_is_caught() {
    let caught = catch_unwind(|| check_protocol(|| || Careless, b"abc"));
    let said = *caught.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains(r#"cut into "a" "b" "c", the protocol wrote"#), "{said}");
}

/// Cannot be cut short.
#[derive(Default)]
struct Brittle(usize);

impl Protocol for Brittle {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.0 += data.len();
    }

    fn read_connection_lost(&mut self, _: &mut Cx<'_>) {
        assert_ne!(self.0, 2, "cut short");
    }
}

#[test]
fn a_protocol_that_panics_at_an_early_end_is_caught() {
    let caught = catch_unwind(|| check_protocol(|| Brittle::default, b"abc"));
    let said = *caught.unwrap_err().downcast::<String>().unwrap();
    assert!(
        said.starts_with(r#"the peer's end after "ab""#) && said.contains("cut short"),
        "{said}"
    );
}
