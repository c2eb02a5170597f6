//! [`Address`]: where one end of a connection is.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// One end of a connection, a listening port or a datagram socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IPv4 or IPv6 address and a port.
    Ip(SocketAddr),
    /// A UNIX socket in the file system.
    Unix(Arc<PathBuf>),
    /// A UNIX socket in Linux's abstract name space; the name does not include the leading zero byte.
    UnixAbstract(Arc<[u8]>),
    /// An end without a name: a UNIX client, a pipe, a terminal.
    Unnamed,
    /// A place in an in-memory network, or another that is known by a name only.
    Named(Arc<str>),
}

impl Address {
    /// The IP address and port, if this is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            _ => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

/// `127.0.0.1:80`, `/run/x.sock`, `@name` for an abstract name, `unnamed`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::UnixAbstract(name) => write!(f, "@{}", name.escape_ascii()),
            Self::Unnamed => f.write_str("unnamed"),
            Self::Named(name) => f.write_str(name),
        }
    }
}
