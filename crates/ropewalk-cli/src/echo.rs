//! `ropewalk echo`: Twisted's first program.

use ropewalk::{
    Cx, DatagramProtocol, DatagramTransport, Deferred, Failure, FailureKind, Protocol, Reactor,
};

use crate::program::{
    Crew, Opened, Place, Trouble, Voice, endpoint_error, open_datagrams, word_of,
};

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
#[derive(Default)]
struct Echo {
    /// Where an end that is none is noted, if that is the program's affair.
    trouble: Option<Trouble>,
}

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        use FailureKind::{ConnectionDone, Peer, Stopped};
        // A pipe that nobody reads any more is how a pipeline ends.
        if let Some(trouble) = self.trouble.take()
            && !matches!(reason.kind(), ConnectionDone | Peer | Stopped)
        {
            trouble.set(Some(reason.context("standard input and output")));
        }
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
    options.listen.iter().map(|text| open(place, reactor, text, voice)).collect()
}

fn open(
    place: &Place,
    reactor: &Reactor,
    text: &str,
    voice: Voice,
) -> Result<Deferred<Opened>, Failure> {
    let endpoints = ropewalk::endpoints(reactor);
    let word = word_of(text).to_owned();
    if endpoints.is_datagram(&word) {
        return open_datagrams(reactor, text, Echo::default(), voice);
    }
    let endpoint = endpoints.server(text).map_err(endpoint_error)?;
    let trouble = (word == "stdio").then(|| place.trouble.clone());
    let factory = move || Echo { trouble: trouble.clone() };
    Ok(reactor.listen(&endpoint, factory).add_callback(move |port| {
        voice.announce(&word, &port.host());
        Ok(Some(port))
    }))
}
