//! Debian's name servers, as peers: bind9, nsd and unbound, on the loopback at ports that were free; and `dig`, to
//! compare with.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::program::{Directory, Program};

/// A name server that runs. It is killed when this is dropped.
pub(crate) struct Peer {
    /// Where it answers, over UDP and TCP.
    pub(crate) address: SocketAddr,
    /// Where it answers over TLS, if it was given a certificate.
    pub(crate) tls: SocketAddr,
    log: String,
    /// What runs.
    pub(crate) program: Program,
}

impl Peer {
    /// What it has said, for a test that fails.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A zone: its name without the dot, and its file's text.
pub(crate) type ZoneText<'a> = (&'a str, &'a str);

/// Starts bind9 as an authority for `zones`. `options` go into the block of that name, `more` behind all.
pub(crate) fn bind9(
    directory: &Directory,
    options: &str,
    zones: &[ZoneText<'_>],
    more: &str,
) -> Peer {
    bind9_at(free_address(), directory, options, zones, more)
}

/// The same at an address of its own.
pub(crate) fn bind9_at(
    at: SocketAddr,
    directory: &Directory,
    options: &str,
    zones: &[ZoneText<'_>],
    more: &str,
) -> Peer {
    let place = write_zones(directory, zones);
    let (ip, port) = (at.ip(), at.port());
    let mut config = format!(
        "options {{ directory \"{place}\"; managed-keys-directory \"{place}\"; pid-file none;\n\
         listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; recursion no; notify no;\n\
         dnssec-validation no; allow-transfer {{ any; }}; {options} }};\n\
         controls {{}};\n{more}\n"
    );
    for (name, _) in zones {
        config += &format!("zone \"{name}\" {{ type primary; file \"{name}.zone\"; }};\n");
    }
    let file = directory.path("named.conf");
    fs::write(&file, config).expect("a file");
    let arguments = ["-g", "-4", "-n", "1", "-c", &file];
    start(Command::new("named").args(arguments), directory, "named", "running", (at, at))
}

/// Starts nsd as an authority for `zones`, over TLS too if there is a [`certificate`]. `server` goes into the block of
/// that name, `more` behind all.
pub(crate) fn nsd(directory: &Directory, server: &str, zones: &[ZoneText<'_>], more: &str) -> Peer {
    nsd_at(free_address(), directory, server, zones, more)
}

/// The same at an address of its own.
pub(crate) fn nsd_at(
    at: SocketAddr,
    directory: &Directory,
    server: &str,
    zones: &[ZoneText<'_>],
    more: &str,
) -> Peer {
    let (tls, place) = (free_address(), write_zones(directory, zones));
    let (ip, port) = (at.ip(), at.port());
    let mut config = format!(
        "server:\n ip-address: {ip}@{port}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{place}\"\n \
         pidfile: \"\"\n database: \"\"\n xfrdfile: \"{place}/xfrd.state\"\n xfrdir: \"{place}\"\n \
         zonelistfile: \"{place}/zone.list\"\n server-count: 1\n rrl-ratelimit: 0\n {}{server}\n\
         remote-control:\n control-enable: no\n{more}\n",
        tls_lines(directory, tls),
    );
    for (name, _) in zones {
        config += &format!(
            "zone:\n name: \"{name}\"\n zonefile: \"{name}.zone\"\n provide-xfr: 0.0.0.0/0 NOKEY\n"
        );
    }
    let file = directory.path("nsd.conf");
    fs::write(&file, config).expect("a file");
    start(Command::new("nsd").args(["-d", "-c", &file]), directory, "nsd", "started", (at, tls))
}

/// Starts unbound as a recursive resolver that takes nothing but what `server`, lines for the block of that name, and
/// `more` say for known; over TLS too if there is a [`certificate`].
pub(crate) fn unbound(directory: &Directory, server: &str, more: &str) -> Peer {
    let (at, tls, place) = (free_address(), free_address(), directory.path(""));
    let (ip, port) = (at.ip(), at.port());
    let config = format!(
        "server:\n interface: {ip}@{port}\n username: \"\"\n chroot: \"\"\n directory: \"{place}\"\n \
         pidfile: \"\"\n do-daemonize: no\n use-syslog: no\n access-control: 127.0.0.0/8 allow\n \
         do-not-query-localhost: no\n module-config: \"iterator\"\n num-threads: 1\n {}{server}\n\
         remote-control:\n control-enable: no\n{more}\n",
        tls_lines(directory, tls),
    );
    let file = directory.path("unbound.conf");
    fs::write(&file, config).expect("a file");
    start(Command::new("unbound").args(["-d", "-c", &file]), directory, "unbound", "", (at, tls))
}

/// Makes a certificate for `dns.example`, which is its own authority: `dns.pem` and `dns.key` in `directory`.
pub(crate) fn certificate(directory: &Directory) {
    let (key, pem) = (directory.path("dns.key"), directory.path("dns.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-nodes", "-days", "2", "-subj", "/CN=dns.example", "-keyout", &key]);
    command.args(["-addext", "subjectAltName=DNS:dns.example", "-out", &pem]);
    let made = command.stderr(Stdio::null()).status().expect("openssl runs");
    assert!(made.success());
}

/// What `dig` prints, asked with these arguments.
pub(crate) fn dig(address: SocketAddr, arguments: &[&str]) -> String {
    let mut command = Command::new("dig");
    command.args([&format!("@{}", address.ip()), "-p", &address.port().to_string()]);
    let output = command.args(arguments).output().expect("dig runs");
    String::from_utf8(output.stdout).expect("dig prints text")
}

/// How long a server may take to begin, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(15);
/// Times that one is started: nsd hangs now and then before it has begun (seen of 4.6.1, once in ten).
const STARTS_MAX: usize = 5;

/// An address at which nobody is, over UDP and TCP. Its port is none of those that the system gives to whoever connects, of
/// which tests use thousands. Another program may take it before it is used, which has to be lived with: these servers
/// cannot choose.
pub(crate) fn free_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id() * 64 + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(number % 12_000).expect("it is small");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

fn write_zones(directory: &Directory, zones: &[ZoneText<'_>]) -> String {
    for (name, text) in zones {
        fs::write(directory.path(&format!("{name}.zone")), text).expect("a file");
    }
    directory.path("")
}

fn tls_lines(directory: &Directory, tls: SocketAddr) -> String {
    let (key, pem) = (directory.path("dns.key"), directory.path("dns.pem"));
    if !fs::exists(&key).expect("it can be looked for") {
        return String::new();
    }
    let (ip, port) = (tls.ip(), tls.port());
    format!(
        "interface: {ip}@{port}\n tls-port: {port}\n tls-service-key: \"{key}\"\n \
         tls-service-pem: \"{pem}\"\n "
    )
}

/// Starts it, with its log in a file, and waits until it answers and its log says that it is ready.
///
/// On a busy machine nsd's processes now and then miss each other when they begin, and it ends: it is started again.
fn start(
    command: &mut Command,
    directory: &Directory,
    name: &str,
    ready: &str,
    (address, tls): (SocketAddr, SocketAddr),
) -> Peer {
    let log = directory.path(&format!("{name}.log"));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    for _ in 0..STARTS_MAX {
        let file = fs::File::create(&log).expect("a file");
        let mut program = Program::start(command.stderr(file));
        let end = Instant::now() + PATIENCE;
        while !program.has_ended() && Instant::now() < end {
            if said().contains(ready) && answers(address) {
                return Peer { address, tls, log, program };
            }
        }
    }
    panic!("{name} does not answer at {address}: {}", said());
}

/// Whether there is an answer of any kind to a question for the version.
fn answers(address: SocketAddr) -> bool {
    let query = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03";
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.connect(address).expect("UDP connects to anything");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("it may time out");
    let _ = socket.send(query); // Refused, as long as nobody is there.
    socket.recv(&mut [0; 512]).is_ok()
}
