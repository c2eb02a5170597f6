//! The first lines of a program: the endpoint strings that are known, and [`run`].

use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{
    Deferred, Endpoints, Factory, Failure, FailureKind, ListeningPort, Outcome, ProtocolRef,
    Reactor, Resolve, Transport,
};
use ropewalk_http::{Agent, AgentOptions, Response, StartTls};
use ropewalk_tls::{ClientOptions, TlsClient, handshake_done};

use crate::SystemNames;

/// All endpoint strings that this build of Ropewalk knows: those of [`ropewalk_net::endpoints`] and of
/// [`ropewalk_tls::endpoints`]. Names are found by [`SystemNames`].
pub fn endpoints(reactor: &Reactor) -> Endpoints {
    endpoints_with(Rc::new(SystemNames::new(reactor)))
}

/// The same, with names found by `resolver`: one's own, or one that several registries share, with what it knows.
pub fn endpoints_with(resolver: Rc<dyn Resolve>) -> Endpoints {
    let mut endpoints = Endpoints::new();
    ropewalk_net::register(&mut endpoints, resolver.clone());
    ropewalk_tls::register(&mut endpoints, resolver);
    endpoints
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

/// A client of HTTP that dials whatever [`endpoints`] knows.
pub fn agent(reactor: &Reactor) -> Agent {
    Agent::with_options(reactor, endpoints(reactor), agent_options())
}

/// What [`agent`] is made with: the defaults, and TLS through proxies.
pub fn agent_options() -> AgentOptions {
    AgentOptions { start_tls: Some(Rc::new(TunnelTls)), ..AgentOptions::default() }
}

/// TLS on a connection that a proxy has let through, with the system's trust.
struct TunnelTls;

impl StartTls for TunnelTls {
    fn start_tls(&self, transport: &Transport, server_name: &str) -> Deferred<()> {
        match TlsClient::new(&ClientOptions::default()) {
            Ok(tls) => {
                tls.start(transport, server_name, Bytes::new());
                handshake_done(transport).add_callback(|_| ())
            }
            Err(failure) => Deferred::fail(failure),
        }
    }
}

/// The body of a page, in one piece: Twisted's first client.
///
/// # Errors
/// As [`Agent::get`]; a status of 400 and more is a failure here; `Limit` if it is more than 64 MiB.
pub fn get_page(reactor: &Reactor, url: &str) -> Deferred<Bytes> {
    agent(reactor)
        .get(url)
        .add_callback(Response::error_for_status)
        .add_callback(|response| response.collect(PAGE_BYTES_MAX))
}

/// What [`get_page`] takes: far more than a page, and not all of the memory.
const PAGE_BYTES_MAX: usize = 64 << 20;

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
