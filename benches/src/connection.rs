//! Opening connections to a server, in a way that overtaxes no backlog, and what is said on them.

use std::io::{self, ErrorKind, Read, Write};
use std::str::FromStr;
use std::time::Duration;

use crate::target::{Target, Wire};

/// One message is at most this long, so that a socket's buffer always takes it whole.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// An answer is at most this long: a file of 1 MiB and its head.
const ANSWER_BYTES_MAX: usize = (1 << 20) + 4096;

/// How long a server may take to answer before it is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// What is said to a server once, and how its answer is known to be whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speech {
    /// A message that comes back as it is.
    #[default]
    Echo,
    /// A request of HTTP for thirteen bytes.
    Http,
    /// One for a file of 1 MiB.
    File,
    /// One that is never answered: a long poll. A connection is used once by [`Self::Http`] before it waits.
    Wait,
    /// A browser's in a chat: see [`crowd`](crate::crowd).
    Chat,
}

impl Speech {
    /// The words of the first message.
    pub fn request(self) -> &'static [u8] {
        match self {
            Self::Echo => b"one message of sixty-four bytes, as is sent in all other benches",
            Self::Http => b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            Self::File => b"GET /file.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            // Where it is shown that a server of the chat answers at all.
            Self::Chat => {
                b"POST /join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nname=test"
            }
            Self::Wait => b"GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        }
    }

    /// Whether all of the answer has been heard.
    pub fn is_answered_by(self, heard: &[u8]) -> bool {
        match self {
            Self::Echo => heard == self.request(),
            Self::Http | Self::File | Self::Chat => is_whole_response(heard),
            Self::Wait => true,
        }
    }

    /// The word for it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Http => "http",
            Self::File => "file",
            Self::Wait => "wait",
            Self::Chat => "chat",
        }
    }
}

impl FromStr for Speech {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Echo, Self::Http, Self::File, Self::Wait, Self::Chat]
            .into_iter()
            .find(|speech| speech.word() == word)
            .ok_or(())
    }
}

/// Whether a response of 200 with a length is there to its last byte.
pub(crate) fn is_whole_response(heard: &[u8]) -> bool {
    let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    head.starts_with("http/1.1 200") && length.is_some_and(|length| heard.len() == end + 4 + length)
}

/// Connects, speaks once and hears the answer: the server has accepted this one before the next comes.
///
/// The connection does not block.
///
/// # Errors
///
/// What the system says, or that the server did not answer.
pub fn open(server: &Target, speech: Speech) -> io::Result<Wire> {
    Ok(open_and_hear(server, speech)?.0)
}

/// The same, and how long the answer was: all that follow to the same request are as long.
///
/// # Errors
///
/// As [`open`].
pub fn open_and_hear(server: &Target, speech: Speech) -> io::Result<(Wire, usize)> {
    if speech == Speech::Wait {
        let (mut stream, heard) = open_and_hear(server, Speech::Http)?;
        stream.write_all(speech.request())?;
        return Ok((stream, heard));
    }
    let mut stream = server.connect()?;
    stream.socket().set_read_timeout(Some(SILENCE_MAX))?;
    stream.write_all(speech.request())?;
    let (mut heard, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    while !speech.is_answered_by(&heard) {
        let count = stream.read(&mut buffer)?;
        heard.extend_from_slice(&buffer[..count]);
        if count == 0 || heard.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "the server does not answer"));
        }
    }
    stream.socket().set_nonblocking(true)?;
    Ok((stream, heard.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_end() {
        let request = Speech::Echo.request();
        assert_eq!(request.len(), 64);
        assert!(
            Speech::Echo.is_answered_by(request) && !Speech::Echo.is_answered_by(&request[1..])
        );
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
        assert!(Speech::Http.is_answered_by(response));
        assert!(!Speech::Http.is_answered_by(&response[..response.len() - 1]));
        assert!(!Speech::Http.is_answered_by(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!("http".parse(), Ok(Speech::Http));
    }
}
