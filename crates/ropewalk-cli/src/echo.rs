//! `ropewalk echo`: Twisted's first program.

use ropewalk::{Cx, DatagramProtocol, DatagramTransport, Deferred, Failure, Protocol, Reactor};

use crate::program::{Crew, Opened, Place, Voice, endpoint_error, word_of};

/// What `ropewalk echo` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen, as often as wanted: tcp:8007:interface=127.0.0.1, unix:/run/echo.sock, udp:8007, stdio:
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp:8007:interface=127.0.0.1")]
    listen: Vec<String>,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

/// Writes back what it receives.
struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

impl DatagramProtocol for Echo {
    fn datagram_received(
        &mut self,
        transport: &DatagramTransport,
        data: &[u8],
        from: &ropewalk::Address,
    ) {
        transport.send_to(data.to_vec(), from);
    }
}

/// Opens every endpoint.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    let voice = Voice::beside(&options.listen, place);
    options.listen.iter().map(|text| open(reactor, text, voice)).collect()
}

fn open(reactor: &Reactor, text: &str, voice: Voice) -> Result<Deferred<Opened>, Failure> {
    let endpoints = ropewalk::endpoints(reactor);
    let word = word_of(text).to_owned();
    if endpoints.is_datagram(&word) {
        let endpoint = endpoints.datagram(text).map_err(endpoint_error)?;
        return Ok(reactor.open(&endpoint, Echo).add_callback(move |socket| {
            voice.announce(&word, &socket.host());
            Ok(None)
        }));
    }
    let endpoint = endpoints.server(text).map_err(endpoint_error)?;
    Ok(reactor.listen(&endpoint, || Echo).add_callback(move |port| {
        voice.announce(&word, &port.host());
        Ok(Some(port))
    }))
}
