//! [`Dial`]: how servers are reached, by endpoint strings.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ClientEndpoint, DatagramEndpoint, Endpoints, Parsed};

/// How servers are reached: what a registry makes of `udp:`, `tcp:` and `tls:`.
///
/// With `ropewalk::endpoints` that is the network; with a registry of `ropewalk_testing::register_internet` it is one
/// in memory. DNS over TLS needs a registry that knows `tls:`. Cheap to clone.
#[derive(Clone)]
pub struct Dial(Rc<Endpoints>);

impl Dial {
    /// Reaches servers by what `endpoints` knows.
    pub fn new(endpoints: Endpoints) -> Self {
        Self(Rc::new(endpoints))
    }

    /// A socket at a port that the system chooses, for servers of this family.
    pub(crate) fn datagrams(&self, is_ipv6: bool) -> Parsed<dyn DatagramEndpoint> {
        self.0.datagram(if is_ipv6 { "udp:0:interface=[::]" } else { "udp:0:interface=0.0.0.0" })
    }

    /// A connection to a server.
    pub(crate) fn tcp(&self, server: SocketAddr, timeout: Duration) -> Parsed<dyn ClientEndpoint> {
        self.0.client(&stream_text("tcp", server, timeout))
    }

    /// A connection to a server under TLS, which must prove to be `name`; by default its address.
    pub(crate) fn tls(
        &self,
        server: SocketAddr,
        name: Option<&str>,
        timeout: Duration,
    ) -> Parsed<dyn ClientEndpoint> {
        let mut text = stream_text("tls", server, timeout);
        if let Some(name) = name {
            text += ":servername=";
            text += &name.replace('\\', r"\\").replace(':', r"\:").replace('=', r"\=");
        }
        self.0.client(&text)
    }
}

fn stream_text(word: &str, server: SocketAddr, timeout: Duration) -> String {
    let (port, seconds) = (server.port(), timeout.as_secs().max(1));
    match server.ip() {
        IpAddr::V4(ip) => format!("{word}:{ip}:{port}:timeout={seconds}"),
        IpAddr::V6(ip) => format!("{word}:[{ip}]:{port}:timeout={seconds}"),
    }
}
