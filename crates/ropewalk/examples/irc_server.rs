//! An IRC server with one channel that stays: `cargo run --example irc_server`, then `/connect 127.0.0.1` in a
//! client of IRC, and `/join #lobby`. With another endpoint as its argument it is there: `tls:6697:cert=me.pem`.

use ropewalk::Failure;
use ropewalk::irc::network::{Network, NetworkLimits, Server};
use ropewalk::irc::server::{IrcFactory, IrcSettings};

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or("tcp:6667:interface=127.0.0.1".to_owned());
    let network = Network::new(NetworkLimits::default());
    network.keep_channel("#lobby").expect("it is a good name");
    let settings =
        IrcSettings { motd: vec!["Welcome to the ropewalk.".into()], ..IrcSettings::default() };
    ropewalk::run(|reactor| {
        let factory = IrcFactory::new(Server::on(&network), settings);
        ropewalk::listen(reactor, &address, factory)
    })
}
