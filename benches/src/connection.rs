//! Opening connections to a server, in a way that overtaxes no backlog, and what is said on them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;
use std::time::Duration;

/// One message is at most this long, so that a socket's buffer always takes it whole.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// How long a server may take to answer before it is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// What is said to a server once, and how its answer is known to be whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speech {
    /// A message that comes back as it is.
    #[default]
    Echo,
    /// A request of HTTP, for the server that cannot echo.
    Http,
}

impl Speech {
    /// The words of the first message.
    pub fn request(self) -> &'static [u8] {
        match self {
            Self::Echo => b"one message of sixty-four bytes, as is sent in all other benches",
            Self::Http => b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        }
    }

    /// Whether all of the answer has been heard.
    pub fn is_answered_by(self, heard: &[u8]) -> bool {
        match self {
            Self::Echo => heard == self.request(),
            Self::Http => heard.starts_with(b"HTTP/1.1 200") && heard.ends_with(b"ok\n"),
        }
    }

    /// The word for it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Http => "http",
        }
    }
}

impl FromStr for Speech {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Echo, Self::Http].into_iter().find(|speech| speech.word() == word).ok_or(())
    }
}

/// Connects, speaks once and hears the answer: the server has accepted this one before the next comes.
///
/// The stream does not block and does not wait for more to send (`TCP_NODELAY`).
///
/// # Errors
///
/// What the system says, or that the server did not answer.
pub fn open(server: SocketAddr, speech: Speech) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.write_all(speech.request())?;
    let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
    while !speech.is_answered_by(&heard) {
        let count = stream.read(&mut buffer)?;
        heard.extend_from_slice(&buffer[..count]);
        if count == 0 || heard.len() > MESSAGE_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "the server does not answer"));
        }
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
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
        assert!(Speech::Http.is_answered_by(b"HTTP/1.1 200 OK\r\n\r\nok\n"));
        assert!(!Speech::Http.is_answered_by(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert_eq!("http".parse(), Ok(Speech::Http));
    }
}
