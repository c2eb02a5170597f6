//! [`SystemResolver`]: names by the means of the system (`getaddrinfo`), in threads.
//!
//! It finds what every other program on the machine finds: the hosts file, the name services that are set up,
//! DNS. The system's call waits, so it is made in a pool of threads that nothing else uses: a slow name server
//! holds up names only.

use std::net::{IpAddr, ToSocketAddrs};

use ropewalk_core::{Deferred, Failure, FailureKind, Reactor, Resolve};

use crate::threads::{ThreadPool, ThreadPoolLimits};

/// Finds addresses as the system does. Cheap to clone.
///
/// # Cancellation
/// A name that no thread has begun with is forgotten. One that is being looked up keeps its thread until the
/// system gives up, by default after some 10 s for each name server.
#[derive(Clone)]
pub struct SystemResolver(ThreadPool);

impl SystemResolver {
    /// A resolver with a pool of its own, of the default limits.
    pub fn new(reactor: &Reactor) -> Self {
        Self::with_limits(reactor, ThreadPoolLimits::default())
    }

    /// A resolver with a pool of its own.
    pub fn with_limits(reactor: &Reactor, limits: ThreadPoolLimits) -> Self {
        Self(ThreadPool::new(reactor, limits))
    }
}

/// Fails with `System` for a name that has no addresses.
impl Resolve for SystemResolver {
    fn resolve(&self, _: &Reactor, name: &str) -> Deferred<Vec<IpAddr>> {
        if name.is_empty() {
            return Deferred::fail(Failure::new(FailureKind::Local, "the name is empty"));
        }
        let name = name.to_owned();
        self.0.defer_to_thread(move || look_up(&name))
    }
}

fn look_up(name: &str) -> Result<Vec<IpAddr>, Failure> {
    let mut addresses = Vec::new();
    for found in (name, 0).to_socket_addrs()? {
        if !addresses.contains(&found.ip()) {
            addresses.push(found.ip());
        }
    }
    if addresses.is_empty() {
        return Err(Failure::new(FailureKind::System, "the name has no addresses"));
    }
    Ok(addresses)
}
