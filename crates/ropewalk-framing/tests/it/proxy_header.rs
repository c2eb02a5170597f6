//! [`ProxyHeader`]: what a proxy says of its client, and what is no proxy.

use ropewalk_core::FailureKind;
use ropewalk_framing::{ProxiedPeer, ProxyHeader, behind_proxy};
use ropewalk_testing::{Conversation, Log, Recorder};

/// What the protocol heard after a header, and whom it took for its peer.
fn heard(bytes: &[u8], piece_bytes: usize) -> Result<(String, Vec<u8>), FailureKind> {
    let log = Log::default();
    let kept = log.clone();
    let talk = Conversation::new(behind_proxy(move || Recorder::new(&kept)));
    talk.feed_pieces(bytes.chunks(piece_bytes));
    if let Some(failure) = talk.lost() {
        return Err(failure.kind());
    }
    let peer = talk.transport().kept::<ProxiedPeer>().expect("there is always one");
    let shown = peer.address().map_or("nobody".into(), |address| address.to_string());
    Ok((shown, log.data()))
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("it is short").to_be_bytes();
    let head = b"\r\n\r\n\0\r\nQUIT\n";
    [head, &[command, family][..], &length, rest, b"hello"].concat()
}

const V4: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0x01, 0xbb];

fn v6() -> Vec<u8> {
    let mut rest = vec![0; 36];
    rest[15] = 1;
    rest[33] = 80;
    rest
}

#[test]
fn a_header_is_taken_out_however_it_is_cut() {
    let longest =
        format!("PROXY UNKNOWN {}\r\nhello", "x".repeat(107 - "PROXY UNKNOWN \r\n".len()));
    let with_more = [V4, &[3; 20]].concat();
    for (bytes, peer) in [
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nhello".to_vec(), "192.0.2.1:56324"),
        (b"PROXY TCP6 2001:db8::1 ::2 1 2\r\nhello".to_vec(), "[2001:db8::1]:1"),
        (b"PROXY UNKNOWN\r\nhello".to_vec(), "nobody"),
        (longest.into_bytes(), "nobody"),
        (v2(0x21, 0x11, V4), "192.0.2.1:56324"),
        (v2(0x21, 0x11, &with_more), "192.0.2.1:56324"),
        (v2(0x21, 0x21, &v6()), "[::1]:80"),
        (v2(0x21, 0x31, &[0; 216]), "nobody"),
        (v2(0x20, 0x00, &[]), "nobody"),
        (v2(0x20, 0x11, V4), "nobody"),
    ] {
        for piece_bytes in [1, 7, 1000] {
            let expected = Ok((peer.to_owned(), b"hello".to_vec()));
            assert_eq!(heard(&bytes, piece_bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn what_is_no_header_ends_the_connection() {
    let long = format!("PROXY UNKNOWN {}", "x".repeat(100));
    for bytes in [
        b"NICK dan\r\n".to_vec(),
        b"PROXY\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1\r\n".to_vec(),
        b"PROXY TCP4 ::1 ::2 1 2\r\n".to_vec(),
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
        b"PROXY TCP4 somewhere 192.0.2.2 1 2\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n".to_vec(),
        b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n".to_vec(),
        long.into_bytes(),
        v2(0x11, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x21, 0x11, &V4[..9]),
        v2(0x21, 0x21, V4),
        v2(0x21, 0x11, &[0; 5000]),
        b"\r\n\r\n\0\r\nQUIX\n".to_vec(),
    ] {
        for piece_bytes in [1, 1000] {
            let lost = heard(&bytes, piece_bytes);
            assert_eq!(lost, Err(FailureKind::Peer), "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let log = Log::default();
    let talk = Conversation::new(behind_proxy(move || Recorder::new(&log)));
    talk.feed(b"PROXY ");
    talk.advance(ProxyHeader::HEADER_TIMEOUT);
    assert_eq!(talk.lost().map(|failure| failure.kind()), Some(FailureKind::Timeout));
}

#[test]
fn after_the_header_time_does_not_matter() {
    let log = Log::default();
    let talk = Conversation::new(behind_proxy(move || Recorder::new(&log)));
    talk.feed(b"PROXY UNKNOWN\r\n");
    talk.advance(ProxyHeader::HEADER_TIMEOUT * 10);
    talk.feed(b"\r\n\r\n\0\r\nQUIT\n");
    assert!(talk.lost().is_none());
}
