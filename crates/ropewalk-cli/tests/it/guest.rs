//! [`Guest`]: somebody in the chat by lines, who reads what is shown line by line.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Somebody in the chat.
pub(crate) struct Guest(BufReader<TcpStream>);

impl Guest {
    pub(crate) fn join(address: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it is a socket");
        let mut guest = Self(BufReader::new(stream));
        guest.hear("What is your name?");
        guest.say(name);
        guest.hear(" here: ");
        guest
    }

    pub(crate) fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).expect("the server reads");
    }

    /// Reads lines up to one with `text` in it.
    #[track_caller]
    pub(crate) fn hear(&mut self, text: &str) -> String {
        loop {
            let line = self.line(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Reads lines up to the next that begins with `start`, which has to be `expected`.
    #[track_caller]
    pub(crate) fn hear_next(&mut self, start: &str, expected: &str) {
        loop {
            let line = self.line(expected);
            if line.starts_with(start) {
                return assert_eq!(line.trim_end(), expected);
            }
        }
    }

    #[track_caller]
    fn line(&mut self, awaited: &str) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        let read = read.unwrap_or_else(|error| panic!("no {awaited:?} in time: {error}"));
        assert!(read > 0, "the server hung up before {awaited:?}");
        line
    }
}
