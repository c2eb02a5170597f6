//! Opening connections to a server, in a way that overtaxes no backlog.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One message is at most this long, so that a socket's buffer always takes it whole.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Connects, says one message and hears it back: the server has accepted this one before the next comes.
///
/// The stream does not block and does not wait for more to send (`TCP_NODELAY`).
///
/// # Errors
///
/// What the system says, or that the server did not echo.
pub fn open(server: SocketAddr, message: &[u8]) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.write_all(message)?;
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer)?;
    if answer != message {
        return Err(io::Error::other("the server does not echo"));
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}
