//! A bot that says what it hears: `cargo run --example irc_bot -- tls:irc.example.org:6697 echo_bot '#ropes'`.

use ropewalk::irc::client::{ClientOptions, Irc, IrcClient, Said, connect};
use ropewalk::{Deferred, Failure};

struct Echo;

impl IrcClient for Echo {
    fn privmsg(&mut self, irc: &Irc, said: &Said<'_>) {
        drop(irc.privmsg(said.reply_target(), said.text));
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or(default.to_owned());
    let (server, nick, channel) = (next("tcp:127.0.0.1:6667"), next("echo"), next("#ropes"));
    ropewalk::run(|reactor| {
        let reactor = reactor.clone();
        let server = ropewalk::endpoints(&reactor).client(&server).map_err(Failure::from);
        Deferred::from_result(server)
            .add_callback(move |server| connect(&reactor, &server, ClientOptions::new(nick), Echo))
            .add_callback(move |irc| irc.join(&channel))
    })
}
