//! [`check_transport`]: what a [`Protocol`](ropewalk_core::Protocol) may rely on, over every driver and every kind
//! of connection.

mod bytes;
mod calls;
mod connecting;
mod ending;
mod files;
mod half_close;
mod layers;
mod limits;
mod loops;
mod pausing;
mod producers;
mod switching;

use super::setup::{Bench, Setup};
use super::suite::run_all;

/// Checks what protocols, transports, factories and references promise, over the connections of a [`Setup`].
///
/// # Panics
/// If a case fails, with the names of all that did.
///
/// # Example: over a network in memory that is slow and tears everything apart
/// ```no_run
/// use std::rc::Rc;
/// use std::time::Duration;
/// use ropewalk_core::Loop;
/// use ropewalk_testing::{
///     MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Setup, check_transport,
/// };
///
/// check_transport(|| {
///     let latency = Duration::from_millis(5);
///     let network = Network { latency, chunk_size: 1, ..Network::default() };
///     Setup::new(
///         Loop::new(MemoryDriver::new(network).expecting_threads()),
///         MemoryServerEndpoint::new("here"),
///         |_| Rc::new(MemoryClientEndpoint::new("here")),
///     )
/// });
/// ```
pub fn check_transport(make: impl Fn() -> Setup) {
    let cases = [
        bytes::cases(),
        ending::cases(),
        files::cases(),
        half_close::cases(),
        pausing::cases(),
        limits::cases(),
        producers::cases(),
        connecting::cases(),
        calls::cases(),
        layers::cases(),
        switching::cases(),
        loops::cases(),
    ];
    let cases: Vec<_> = cases.into_iter().flatten().collect();
    run_all("check_transport", &cases, || Bench::new(make()));
}
