//! Lines of a server.
//!
//! Words are separated by spaces or tabs, any number of them, and their case is the same. See "Protocol messages" in
//! the description of the protocol.

use std::str;

use ropewalk_core::{Failure, FailureKind};

use crate::event::{MessageLine, ServerLine};

/// Takes a line apart.
///
/// # Errors
/// `Peer` if it is none that a server sends.
pub(crate) fn server_line(line: &[u8]) -> Result<ServerLine<'_>, Failure> {
    let at = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
    let (word, rest) = (&line[..at], line[at..].trim_ascii());
    match word.to_ascii_uppercase().as_slice() {
        b"MSG" => message(rest).map(ServerLine::Message).ok_or_else(|| unknown(line)),
        b"PING" => Ok(ServerLine::Ping),
        b"PONG" => Ok(ServerLine::Pong),
        b"+OK" => Ok(ServerLine::Ok),
        b"INFO" => Ok(ServerLine::Info(rest)),
        b"-ERR" => {
            let words = String::from_utf8_lossy(rest);
            Ok(ServerLine::Error(words.trim_matches('\'').to_owned()))
        }
        _ => Err(unknown(line)),
    }
}

/// `subject number [reply] bytes`.
fn message(rest: &[u8]) -> Option<MessageLine<'_>> {
    let words = str::from_utf8(rest).ok()?.split([' ', '\t']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.take(5).collect();
    let (subject, number, reply, bytes) = match words[..] {
        [subject, number, bytes] => (subject, number, None, bytes),
        [subject, number, reply, bytes] => (subject, number, Some(reply), bytes),
        _ => return None,
    };
    let (number, payload_bytes) = (number.parse().ok()?, bytes.parse().ok()?);
    Some(MessageLine { subject, number, reply, payload_bytes })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn unknown(line: &[u8]) -> Failure {
    const SHOWN_MAX: usize = 80;
    let shown = &line[..line.len().min(SHOWN_MAX)];
    let what = format!("no line of a NATS server: {:?}", String::from_utf8_lossy(shown));
    Failure::new(FailureKind::Peer, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_reply_or_not() {
        let message = |line| match server_line(line) {
            Ok(ServerLine::Message(message)) => message,
            other => panic!("{other:?}"),
        };
        let one = message(b"MSG foo.bar 9 11");
        assert_eq!(
            (one.subject, one.number, one.reply, one.payload_bytes),
            ("foo.bar", 9, None, 11)
        );
        let two = message(b"msg\tfoo  9 _INBOX.34  0 ");
        assert_eq!((two.subject, two.reply, two.payload_bytes), ("foo", Some("_INBOX.34"), 0));
    }

    #[test]
    fn everything_else_is_known_or_refused() {
        assert_eq!(server_line(b"PING").ok(), Some(ServerLine::Ping));
        assert_eq!(server_line(b"pong").ok(), Some(ServerLine::Pong));
        assert_eq!(server_line(b"+OK").ok(), Some(ServerLine::Ok));
        assert_eq!(server_line(b"INFO {\"a\": 1} ").ok(), Some(ServerLine::Info(b"{\"a\": 1}")));
        let error = ServerLine::Error("Stale Connection".into());
        assert_eq!(server_line(b"-ERR 'Stale Connection'").ok(), Some(error));
        for bad in [
            &b""[..],
            b"MSG",
            b"MSG a 1",
            b"MSG a b 1",
            b"MSG a 1 -1",
            b"MSG a 1 r 1 2",
            b"MSG \xff 1 1",
            b"MSG a 1 99999999999999999999",
            b"HMSG a 1 2 3",
            b"HTTP/1.1 400 Bad Request",
        ] {
            assert!(server_line(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
