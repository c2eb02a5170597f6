//! The client on servers: ngircd, which knows few capabilities, and inspircd, which labels its answers, with the
//! services of atheme to log in to, as Debian has them; and our own, in memory. The same scenes on each.

mod deaths;
mod on_inspircd;
mod on_ngircd;
mod on_ours;
pub(crate) mod programs;
mod sasl;
mod scenes;
mod services;

use std::rc::Rc;
use std::time::{Duration, Instant};

use ropewalk_core::{ClientEndpoint, Deferred, Failure, Loop, Wait};
use ropewalk_irc::client::{ClientOptions, Irc, connect};
use ropewalk_irc::network::{Network as IrcNetwork, NetworkLimits, Server as IrcServer};
use ropewalk_irc::server::{IrcFactory, IrcSettings};
use ropewalk_net::new_loop;
use ropewalk_testing::{MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network};
use ropewalk_tls::endpoints;

use crate::client::{Log, Witness};
use programs::Server;

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A loop, and a server that can be reached from it.
pub(crate) struct Stage {
    pub(crate) event_loop: Loop,
    server: Rc<dyn ClientEndpoint>,
}

/// A client on the stage, and what it was told.
pub(crate) struct Actor {
    pub(crate) irc: Irc,
    pub(crate) log: Log,
}

impl Stage {
    /// On real sockets, with a program as the server.
    pub(crate) fn before(server: &Server) -> Self {
        Self::before_endpoint(&format!("tcp:127.0.0.1:{}", server.port))
    }

    /// On real sockets.
    pub(crate) fn before_endpoint(text: &str) -> Self {
        let event_loop = new_loop(None).expect("there is a driver");
        let server = endpoints(event_loop.reactor()).client(text).expect("an endpoint");
        Self { event_loop, server }
    }

    /// In memory, with our own server.
    pub(crate) fn before_ours(settings: IrcSettings) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(Network::default()));
        let limits = NetworkLimits { message_burst: 10_000, ..NetworkLimits::default() };
        let factory = IrcFactory::new(IrcServer::on(&IrcNetwork::new(limits)), settings);
        let listening = event_loop.reactor().listen(&MemoryServerEndpoint::new("irc"), factory);
        drop(event_loop.run_until(listening).expect("the name is free"));
        Self { event_loop, server: Rc::new(MemoryClientEndpoint::new("irc")) }
    }

    /// What a Deferred fires with.
    #[track_caller]
    pub(crate) fn wait<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        self.event_loop.run_until(deferred.add_timeout(self.event_loop.reactor(), PATIENCE))
    }

    /// The same, if all is well.
    #[track_caller]
    pub(crate) fn done<T: 'static>(&self, deferred: Deferred<T>) -> T {
        self.wait(deferred).expect("it succeeds")
    }

    /// Somebody who comes in as `options` say.
    #[track_caller]
    pub(crate) fn enter(&self, options: ClientOptions) -> Actor {
        self.try_enter(options).expect("the server lets them in")
    }

    pub(crate) fn try_enter(&self, options: ClientOptions) -> Result<Actor, Failure> {
        let log = Log::default();
        let client = Witness(log.clone());
        let irc = self.wait(connect(self.event_loop.reactor(), &self.server, options, client))?;
        Ok(Actor { irc, log })
    }

    /// Runs until it is true.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_true: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_true() {
            assert!(Instant::now() < end, "it does not come true: {what}");
            let soon = self.event_loop.reactor().now() + Duration::from_millis(5);
            self.event_loop
                .turn(Wait::Until(soon))
                .expect("it is no guest")
                .expect("the driver works");
        }
    }

    /// Runs until somebody was told this.
    #[track_caller]
    pub(crate) fn hears(&self, actor: &Actor, news: &str) {
        self.until(news, || actor.log.borrow().iter().any(|line| line == news));
    }
}

/// A client that is fast, and waits for nothing longer than it must.
pub(crate) fn fast(nick: &str) -> ClientOptions {
    let mut options = ClientOptions::new(nick);
    options.limits.line_interval = Duration::ZERO;
    options.nick_regain_interval = Duration::from_millis(200);
    options
}

/// Our own server as the others are set up.
pub(crate) fn settings() -> IrcSettings {
    IrcSettings { server_name: "irc.example.test".to_owned(), ..IrcSettings::default() }
}
