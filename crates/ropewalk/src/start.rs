//! The first lines of a program: the endpoint strings that are known, and [`run`].

use ropewalk_core::{
    Deferred, Endpoints, Factory, Failure, FailureKind, ListeningPort, Outcome, ProtocolRef,
    Reactor,
};

/// All endpoint strings that this build of Ropewalk knows: those of [`ropewalk_net::endpoints`] and of
/// [`ropewalk_tls::endpoints`].
pub fn endpoints(reactor: &Reactor) -> Endpoints {
    ropewalk_tls::endpoints(reactor)
}

/// Listens at an endpoint string, such as `tcp:8080:interface=127.0.0.1`.
///
/// # Errors
/// The Deferred fails if the string is wrong (it says where), or if the endpoint cannot be had.
pub fn listen(reactor: &Reactor, text: &str, factory: impl Factory) -> Deferred<ListeningPort> {
    match endpoints(reactor).server(text) {
        Ok(endpoint) => reactor.listen(&endpoint, factory),
        Err(error) => Deferred::fail(error.into()),
    }
}

/// Connects to an endpoint string, such as `tcp:example.com:80`; fires after `connection_made`.
///
/// # Errors
/// The Deferred fails if the string is wrong (it says where), or if the connection does not come up.
pub fn connect<F: Factory>(
    reactor: &Reactor,
    text: &str,
    factory: F,
) -> Deferred<ProtocolRef<F::Protocol>> {
    match endpoints(reactor).client(text) {
        Ok(endpoint) => reactor.connect(&endpoint, factory),
        Err(error) => Deferred::fail(error.into()),
    }
}

/// Runs a program: a loop over the best driver of this machine, which SIGINT and SIGTERM stop.
///
/// `start` sets the program up. When what it gives has fired, the loop goes on until it is stopped. To be
/// stopped before is no failure.
///
/// # Errors
/// What `start` failed with, or what the loop could not go on for.
pub fn run<R: Outcome>(start: impl FnOnce(&Reactor) -> R) -> Result<(), Failure> {
    let main_loop = ropewalk_net::new_loop(None)?;
    ropewalk_net::stop_on_signals(main_loop.reactor())?;
    match main_loop.run_until(start(main_loop.reactor()).into_deferred()) {
        Ok(_) => main_loop.run(),
        Err(failure) if failure.is(FailureKind::Stopped) => Ok(()),
        Err(failure) => Err(failure),
    }
}
