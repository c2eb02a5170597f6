//! UNIX sockets: `unix:` endpoints to listen and to connect, `unixgram:` for datagrams.
//!
//! Facts about UNIX sockets that explain the code. Binding makes a file, and nothing but removing it frees the
//! name: a server that was killed leaves its file behind, and the next one gets "address in use". Whether
//! anybody is bound to a file is told by connecting to it with a datagram socket: it is refused only if nobody
//! is, while a stream socket is also refused by a server that has bound and not listened yet. Nobody can
//! connect between `bind` and `listen`, so that is the moment to set the file's mode. A connect to a server
//! whose backlog is full does not wait, it fails with EAGAIN.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{
    Address, ClientEndpoint, DatagramEndpoint, DatagramProtocol, DatagramTransport, Deferred,
    Failure, FailureKind, Lineage, ListeningPort, Reactor, ServerEndpoint, Transport, defer_later,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use crate::driver::sockets;
use crate::row::{Kind, flag};
use crate::shared_port::{Sharing, open_shared};
use crate::socket_address::unix_address;
use crate::sockets::{listen_with, open_datagram_with};

/// Listens on a UNIX socket: `unix:/run/x.sock:mode=660`, `unix:@name`.
///
/// A file that a dead server left behind is removed first; one that a living server listens on is "address in
/// use", and what is no socket is never touched. When the port stops listening its file is removed, unless
/// somebody has put another in its place.
#[derive(Clone, Debug)]
pub struct UnixServerEndpoint {
    /// The path, or a name in Linux's abstract name space.
    pub address: Address,
    /// The permissions of the socket's file; connecting needs the permission to write. Set before anybody can
    /// connect. Default: what the umask leaves, mostly that the owner alone may connect.
    pub mode: Option<u32>,
    /// Connections that the system keeps until they are accepted. Default 1,024.
    pub backlog: i32,
}

/// Connects to a UNIX socket: `unix:/run/x.sock:timeout=30`, `unix:@name`.
#[derive(Clone, Debug)]
pub struct UnixClientEndpoint {
    /// The path, or a name in Linux's abstract name space.
    pub address: Address,
    /// How long to wait for a server whose backlog is full. Default 30 s, as in Twisted.
    pub timeout: Duration,
}

/// A UNIX datagram socket: `unixgram:/run/x.sock:mode=660`, `unixgram:connect=/dev/log`.
///
/// As for [`UnixServerEndpoint`], its file is removed when it is closed.
#[derive(Clone, Debug, Default)]
pub struct UnixDatagramEndpoint {
    /// Where it receives; a socket without an address gets no answers. Default none.
    pub address: Option<Address>,
    /// The permissions of the socket's file; sending to it needs the permission to write. Default: what the
    /// umask leaves.
    pub mode: Option<u32>,
    /// Where it sends to, and the only one that it then receives from. Default none.
    pub connect_to: Option<Address>,
}

impl UnixServerEndpoint {
    /// Listens at `path`, with the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(path_address(path))
    }

    /// Listens at a name in Linux's abstract name space: no file, and gone with the socket. Anybody on the
    /// machine (in the network name space) may connect.
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Self {
        Self::at(abstract_address(name))
    }

    pub(crate) fn at(address: Address) -> Self {
        Self { address, mode: None, backlog: 1024 }
    }

    fn listen_now(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<ListeningPort, Failure> {
        listen_with(reactor, lineage, Kind::UnixListener, |slot| {
            let sharing = Sharing::Duplicate(self.address.clone());
            open_shared(reactor, slot, SocketType::STREAM, sharing, |_| {
                let bound = Bound::new(SocketType::STREAM, &self.address, self.mode)?;
                listen(&bound.fd, self.backlog).map_err(io::Error::from)?;
                Ok((bound.fd, bound.file))
            })
        })
    }
}

impl ServerEndpoint for UnixServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let doing = |failure: Failure| failure.context(format!("listen on unix {}", self.address));
        Deferred::from_result(self.listen_now(reactor, lineage).map_err(doing))
    }
}

impl UnixClientEndpoint {
    /// Connects to `path`, with the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(path_address(path))
    }

    /// Connects to a name in Linux's abstract name space.
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Self {
        Self::at(abstract_address(name))
    }

    pub(crate) fn at(address: Address) -> Self {
        Self { address, timeout: Duration::from_secs(30) }
    }

    /// One attempt; `None` if the server's backlog is full.
    fn begin(
        &self,
        reactor: &Reactor,
        lineage: &Rc<Lineage>,
    ) -> Result<Option<Deferred<Transport>>, Failure> {
        let sockets = sockets(reactor)?;
        let fd = new_socket(SocketType::STREAM)?;
        match connect(&fd, &address_for_system(&self.address)?) {
            Err(Errno::AGAIN) => return Ok(None),
            other => other.map_err(io::Error::from)?,
        }
        let (id, opened) = reactor.open_connection(lineage.clone())?;
        let added = sockets.add_stream(id, fd, Kind::UnixStream, flag::OPENING);
        added.inspect_err(|_| reactor.remove(id))?;
        Ok(Some(opened))
    }
}

/// How soon a full backlog is tried again: a server that accepts at all empties it in less.
const BACKLOG_RETRY: Duration = Duration::from_millis(10);

impl ClientEndpoint for UnixClientEndpoint {
    fn connect(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<Transport> {
        let doing = format!("connect to unix {}", self.address);
        let connected = match self.begin(reactor, &lineage) {
            Err(failure) => Deferred::fail(failure),
            Ok(Some(opened)) => opened,
            Ok(None) => {
                let (endpoint, on) = (self.clone(), reactor.clone());
                reactor.spawn(async move {
                    loop {
                        defer_later(&on, BACKLOG_RETRY, || ()).await?;
                        if let Some(opened) = endpoint.begin(&on, &lineage)? {
                            return opened.await;
                        }
                    }
                })
            }
        };
        connected
            .add_timeout(reactor, self.timeout)
            .add_errback(move |failure| Err(failure.context(doing)))
    }
}

impl UnixDatagramEndpoint {
    /// Receives at `path`, with the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { address: Some(path_address(path)), ..Self::default() }
    }

    fn open_now(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Result<Deferred<DatagramTransport>, Failure> {
        open_datagram_with(reactor, protocol, |slot| {
            let sharing = self.address.clone().map_or(Sharing::No, Sharing::Duplicate);
            open_shared(reactor, slot, SocketType::DGRAM, sharing, |_| self.bind())
        })
    }

    fn bind(&self) -> Result<(OwnedFd, Option<SocketFile>), Failure> {
        let (fd, file) = match &self.address {
            Some(address) => {
                let bound = Bound::new(SocketType::DGRAM, address, self.mode)?;
                (bound.fd, bound.file)
            }
            None => (new_socket(SocketType::DGRAM)?, None),
        };
        if let Some(to) = &self.connect_to {
            let connected = connect(&fd, &address_for_system(to)?).map_err(io::Error::from);
            connected.map_err(|error| Failure::from(error).context(format!("connect to {to}")))?;
        }
        Ok((fd, file))
    }
}

impl DatagramEndpoint for UnixDatagramEndpoint {
    fn open(
        &self,
        reactor: &Reactor,
        protocol: Box<dyn DatagramProtocol>,
    ) -> Deferred<DatagramTransport> {
        let doing = |failure: Failure| match &self.address {
            Some(address) => failure.context(format!("open unixgram {address}")),
            None => failure.context("open unixgram"),
        };
        self.open_now(reactor, protocol).map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

/// A socket with a name, and its file until somebody else answers for that.
struct Bound {
    fd: OwnedFd,
    file: Option<SocketFile>,
}

impl Bound {
    fn new(kind: SocketType, address: &Address, mode: Option<u32>) -> Result<Self, Failure> {
        let fd = new_socket(kind)?;
        let name = address_for_system(address)?;
        let path = match address {
            Address::Unix(path) => Some(path),
            _ => None,
        };
        if let Some(mode) = mode.filter(|_| path.is_some()) {
            // The file gets this mode less the umask: never for a moment more than was asked for.
            rustix::fs::fchmod(&fd, mode.into()).map_err(io::Error::from)?;
        }
        match bind(&fd, &name) {
            Err(Errno::ADDRINUSE) if path.is_some_and(|path| remove_stale(path, &name)) => {
                bind(&fd, &name).map_err(io::Error::from)?;
            }
            Err(Errno::ADDRINUSE) => return Err(why_in_use(path.map(|path| path.as_path()))),
            other => other.map_err(io::Error::from)?,
        }
        let file = path.map(SocketFile::new).transpose()?;
        let bound = Self { fd, file };
        if let (Some(path), Some(mode)) = (path, mode) {
            fs::set_permissions(path.as_path(), fs::Permissions::from_mode(mode))?;
        }
        Ok(bound)
    }
}

/// The file of a socket: removed when this is dropped, if it is the same one still.
struct SocketFile {
    path: Arc<PathBuf>,
    inode: (u64, u64),
}

impl SocketFile {
    fn new(path: &Arc<PathBuf>) -> io::Result<Self> {
        Ok(Self { path: path.clone(), inode: inode(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode)
            && let Err(error) = fs::remove_file(self.path.as_path())
        {
            tracing::warn!(target: "ropewalk::net", "{} stays behind: {error}", self.path.display());
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Removes the file of a socket that nobody is bound to; false if it is something else.
fn remove_stale(path: &Path, name: &SocketAddrUnix) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return false;
    }
    let Ok(probe) = new_socket(SocketType::DGRAM) else { return false };
    let nobody = connect(&probe, name) == Err(Errno::CONNREFUSED);
    nobody && fs::remove_file(path).is_ok()
}

fn why_in_use(path: Option<&Path>) -> Failure {
    let found = path.and_then(|path| fs::symlink_metadata(path).ok());
    match found.filter(|found| !found.file_type().is_socket()) {
        Some(_) => Failure::new(
            FailureKind::Local,
            "there is something else than a socket, and it is left alone",
        ),
        None => Failure::from(io::Error::from(Errno::ADDRINUSE)),
    }
}

fn new_socket(kind: SocketType) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, kind, flags, None)?)
}

fn address_for_system(address: &Address) -> Result<SocketAddrUnix, Failure> {
    unix_address(address).map_err(|error| match error {
        Errno::NAMETOOLONG => Failure::new(
            FailureKind::Local,
            "the path is too long for a UNIX socket (107 bytes, by the system)",
        ),
        Errno::AFNOSUPPORT => {
            Failure::new(FailureKind::Local, format!("{address} is no UNIX address"))
        }
        other => io::Error::from(other).into(),
    })
}

pub(crate) fn path_address(path: impl Into<PathBuf>) -> Address {
    Address::Unix(Arc::new(path.into()))
}

pub(crate) fn abstract_address(name: impl AsRef<[u8]>) -> Address {
    Address::UnixAbstract(name.as_ref().into())
}
