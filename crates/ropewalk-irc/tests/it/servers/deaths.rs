//! Servers that die, fall silent, or are far away.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, FailureKind};
use ropewalk_irc::client::{Irc, IrcClient, IrcClientFactory, connect};
use ropewalk_irc::network::{Network as IrcNetwork, NetworkLimits, Server as IrcServer};
use ropewalk_irc::server::IrcFactory;
use ropewalk_testing::{MemoryNetwork, Network, Pair};

use super::programs::Server;
use super::{Actor, Stage, fast, settings};
use crate::client::{Log, Witness};

/// Somebody in a channel, who has asked something that is not answered any more.
fn cut_off_by(stage: &Stage, end: impl FnOnce()) -> (Actor, Failure) {
    let dan = stage.enter(fast("dan"));
    stage.done(dan.irc.join("#ropes"));
    end();
    let failure = stage.wait(dan.irc.whois("dan")).expect_err("nobody answers");
    stage.until("it is told", || dan.log.borrow().iter().any(|line| line.starts_with("lost: ")));
    assert!(!dan.irc.is_signed_on());
    (dan, failure)
}

fn dies_and_comes_back(mut server: Server) {
    let stage = Stage::before(&server);
    let (_dan, failure) = cut_off_by(&stage, || server.kill());
    let is_gone = matches!(failure.kind(), FailureKind::ConnectionDone | FailureKind::Peer);
    assert!(is_gone, "{failure:?}");
    let refused = stage.try_enter(fast("dan")).err().expect("nobody listens");
    assert!(refused.is(FailureKind::Peer), "{refused:?}");
    server.start_again();
    let again = stage.enter(fast("dan"));
    stage.done(again.irc.join("#ropes"));
    assert_eq!(again.irc.members("#ropes").len(), 1);
}

#[test]
fn ngircd_dies_and_comes_back() {
    if let Some(server) = Server::ngircd("servers::deaths::ngircd_dies_and_comes_back") {
        dies_and_comes_back(server);
    }
}

#[test]
fn inspircd_dies_and_comes_back() {
    if let Some(server) = Server::inspircd("servers::deaths::inspircd_dies_and_comes_back") {
        dies_and_comes_back(server);
    }
}

#[test]
fn a_connection_is_reset_and_made_again() {
    let stage = Stage::before_ours(settings());
    let dan = stage.enter(fast("dan"));
    let eve = stage.enter(fast("eve"));
    stage.done(dan.irc.join("#ropes"));
    stage.done(eve.irc.join("#ropes"));
    dan.irc.abort();
    stage.until("dan is lost", || !dan.irc.is_signed_on());
    stage.until("eve is told", || eve.log.borrow().iter().any(|l| l.starts_with("dan quit")));
    let dan = stage.enter(fast("dan"));
    assert_eq!(dan.irc.nick(), "dan");
    stage.done(dan.irc.join("#ropes"));
    stage.done(dan.irc.privmsg("#ropes", "back again"));
    stage.hears(&eve, "dan to #ropes: back again");
}

#[test]
fn a_cable_that_is_cut_is_noticed_by_who_waits_for_signs_of_life() {
    let stage = Stage::before_ours(settings());
    let network = stage.network();
    let (dan, failure) = cut_off_by(&stage, || network.partition());
    assert!(failure.is(FailureKind::Timeout), "{failure:?}");
    let log = dan.log.borrow();
    assert!(log.last().is_some_and(|line| line.contains("ping_timeout")), "{log:?}");
}

#[test]
fn a_server_that_is_far_away_and_gives_tiny_pieces_is_as_good_as_any() {
    let stage = Stage::before_ours(settings());
    stage.network().change(|network| {
        network.latency = Duration::from_millis(300);
        network.chunk_size = 3;
    });
    let dan = stage.enter(fast("dan"));
    let eve = stage.enter(fast("eve"));
    stage.done(dan.irc.join("#ropes"));
    stage.done(eve.irc.join("#ropes"));
    let said = (0..50).map(|number| dan.irc.privmsg("#ropes", &number.to_string()));
    said.for_each(drop);
    stage.hears(&eve, "dan to #ropes: 49");
    let heard: Vec<String> =
        eve.log.borrow().iter().filter(|l| l.starts_with("dan to")).cloned().collect();
    let expected: Vec<String> = (0..50).map(|number| format!("dan to #ropes: {number}")).collect();
    assert_eq!(heard, expected);
    assert!(dan.irc.lag().is_some_and(|lag| lag >= Duration::from_millis(600)));
}

impl Stage {
    fn network(&self) -> MemoryNetwork {
        MemoryNetwork::of(self.event_loop.reactor()).expect("it is in memory")
    }
}

/// Asks things when it is let in, and counts what has no answer yet.
#[derive(Clone, Default)]
struct Asker {
    asked: Rc<Cell<usize>>,
    open: Rc<Cell<usize>>,
}

impl Asker {
    fn count<T: 'static>(&self, asked: Deferred<T>) {
        self.asked.set(self.asked.get() + 1);
        self.open.set(self.open.get() + 1);
        let open = self.open.clone();
        drop(asked.add_both(move |_| open.set(open.get() - 1)));
    }
}

impl IrcClient for Asker {
    fn signed_on(&mut self, irc: &Irc) {
        self.count(irc.join("#ropes"));
        self.count(irc.whois("dan"));
        self.count(irc.mode("#ropes", &["+n"]));
        self.count(irc.privmsg("#ropes", "hello"));
        self.count(irc.set_nick("daniel"));
    }
}

#[test]
fn wherever_a_connection_breaks_everything_that_was_asked_has_an_end() {
    let mut at = 0;
    loop {
        let network = Network { lose_at_byte: Some(at), ..Network::default() };
        let asker = Asker::default();
        let made = asker.clone();
        let irc_network = IrcNetwork::new(NetworkLimits::default());
        let server = IrcFactory::new(IrcServer::on(&irc_network), settings());
        let client = IrcClientFactory::new(fast("dan"), move || made.clone());
        let pair = Pair::with_network(network, server, client);
        pair.run_for(Duration::from_secs(5));
        assert_eq!(asker.open.get(), 0, "lost at byte {at}");
        if !pair.is_lost() {
            assert_eq!(asker.asked.get(), 5, "this time nothing was lost");
            return;
        }
        let why = [pair.client_lost(), pair.server_lost()];
        assert!(why.iter().flatten().all(|why| !why.is(FailureKind::Panic)), "{why:?}");
        at += 1;
    }
}

#[test]
fn who_gives_up_while_coming_in_loses_the_connection() {
    let stage = Stage::before_ours(settings());
    stage.network().change(|network| network.latency = Duration::from_secs(1));
    let log = Log::default();
    let reactor = stage.event_loop.reactor();
    let coming = connect(reactor, &stage.server, fast("dan"), Witness(log.clone()));
    let give_up = coming.add_timeout(reactor, Duration::from_millis(2_500));
    let failure = stage.wait(give_up).expect_err("it takes longer than that");
    assert!(failure.is(FailureKind::Timeout), "{failure:?}");
    stage.until("it is lost", || log.borrow().iter().any(|line| line == "lost: cancelled"));
}
