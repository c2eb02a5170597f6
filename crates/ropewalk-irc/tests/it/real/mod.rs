//! The client against servers of Debian's: ngircd, which knows few capabilities, and inspircd, which labels its
//! answers, with the services of atheme to log in to.

mod programs;
mod sasl;
mod scenes;

use std::time::{Duration, Instant};

use ropewalk_core::{Deferred, Failure, Loop, Wait};
use ropewalk_irc::client::{ClientOptions, Irc, connect};
use ropewalk_net::{endpoints, new_loop};

use crate::client::{Log, Witness};

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A loop on real sockets.
pub(crate) struct Stage(Loop);

/// A client on the stage, and what it was told.
pub(crate) struct Actor {
    pub(crate) irc: Irc,
    pub(crate) log: Log,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self(new_loop(None).expect("there is a driver"))
    }

    /// What a Deferred fires with.
    #[track_caller]
    pub(crate) fn wait<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        self.0.run_until(deferred.add_timeout(self.0.reactor(), PATIENCE))
    }

    /// The same, if all is well.
    #[track_caller]
    pub(crate) fn done<T: 'static>(&self, deferred: Deferred<T>) -> T {
        self.wait(deferred).expect("it succeeds")
    }

    /// Somebody who comes in as `options` say.
    #[track_caller]
    pub(crate) fn enter(&self, port: u16, options: ClientOptions) -> Actor {
        self.try_enter(port, options).expect("the server lets them in")
    }

    pub(crate) fn try_enter(&self, port: u16, options: ClientOptions) -> Result<Actor, Failure> {
        let log = Log::default();
        let text = format!("tcp:127.0.0.1:{port}");
        let server = endpoints(self.0.reactor()).client(&text).expect("an endpoint");
        let irc = self.wait(connect(self.0.reactor(), &server, options, Witness(log.clone())))?;
        Ok(Actor { irc, log })
    }

    /// Runs until it is true.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_true: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_true() {
            assert!(Instant::now() < end, "it does not come true: {what}");
            let soon = self.0.reactor().now() + Duration::from_millis(5);
            self.0.turn(Wait::Until(soon)).expect("it is no guest").expect("the driver works");
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
