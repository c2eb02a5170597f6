//! `ropewalk chat`: a room over plain lines, for `nc` and `telnet`.

use ropewalk::framing::ConnectionCap;
use ropewalk::{Address, Deferred, Failure, Reactor, ServerEndpoint, ShutdownPart};
use ropewalk_chat::{ChatFactory, Floor, Room};

use crate::program::{Crew, Opened, Place, Voice, endpoint_error, word_of};

/// What `ropewalk chat` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen, as often as wanted: tcp:8023:interface=127.0.0.1, unix:/run/chat.sock
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp:8023:interface=127.0.0.1")]
    listen: Vec<String>,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

/// So many connections to one port may be there without being members: they are choosing a name, or are on
/// their way out.
const NAMELESS_MAX: usize = 1_000;

/// Opens every endpoint, with one room behind all of them: this thread's part of what is on `floor`.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
    floor: &Floor,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    let room = Room::on(floor);
    let relay = room.relay();
    let relaying = reactor.spawn(async {
        relay.await;
        Ok(())
    });
    drop(relaying.add_errback(|_| ())); // It ends with the room, or with the reactor.
    let endpoints = ropewalk::endpoints(reactor);
    let voice = Voice::beside(&options.listen, place);
    let mut opening = Vec::new();
    for text in &options.listen {
        let endpoint = endpoints.server(text).map_err(endpoint_error)?;
        opening.push(listen(reactor, &*endpoint, &room, word_of(text).to_owned(), voice));
    }
    // Members hear a goodbye; then their connections are lost with all others.
    reactor.add_system_event_trigger(ShutdownPart::Before, move || room.close());
    Ok(opening)
}

fn listen(
    reactor: &Reactor,
    endpoint: &dyn ServerEndpoint,
    room: &Room,
    word: String,
    voice: Voice,
) -> Deferred<Opened> {
    let connections_max = room.limits().members_max + NAMELESS_MAX;
    let factory =
        ConnectionCap::new(ChatFactory::new(room.clone()), connections_max, connections_max);
    let port = reactor.listen_with_limits(endpoint, factory, ChatFactory::connection_limits());
    port.add_callback(move |port| {
        voice.announce(&word, &port.host());
        if let Some(command) = how_to_join(&port.host()) {
            voice.say(format_args!("join with: {command}"));
        }
        Ok(Some(port))
    })
}

/// A command that gets one into the room from this machine.
fn how_to_join(host: &Address) -> Option<String> {
    match host {
        Address::Ip(address) if address.ip().is_unspecified() => {
            Some(format!("nc localhost {}", address.port()))
        }
        Address::Ip(address) => Some(format!("nc {} {}", address.ip(), address.port())),
        Address::Unix(path) => Some(format!("nc -U {}", path.display())),
        Address::UnixAbstract(name) => {
            Some(format!("socat - ABSTRACT-CONNECT:{}", String::from_utf8_lossy(name)))
        }
        _ => None,
    }
}
