//! Sockets from systemd: `systemd:` endpoints.
//!
//! systemd opens the sockets of a `.socket` unit and starts the service with them as descriptors 3, 4 and so
//! on (sd_listen_fds(3)). `LISTEN_FDS` says how many they are, `LISTEN_FDNAMES` what the units call them
//! (`FileDescriptorName=`), separated by colons, and `LISTEN_PID` for which process they are meant: a child
//! that inherits the environment is not that process.

use std::env;
use std::os::fd::RawFd;
use std::rc::Rc;

use ropewalk_core::{
    Deferred, Failure, FailureKind, Lineage, ListeningPort, Reactor, ServerEndpoint,
};
use rustix::net::AddressFamily;

use crate::adopted::Adopted;

/// Serves a socket that systemd passed: `systemd:domain=INET:index=0`, `systemd:name=web`. As
/// [`AdoptedServerEndpoint`](crate::AdoptedServerEndpoint) otherwise.
#[derive(Clone, Debug, Default)]
pub struct SystemdServerEndpoint {
    /// What the socket has to be; another kind is an error. Default anything.
    pub domain: Option<SystemdDomain>,
    /// Which of the sockets, of those with the name if there is one. Default the first, 0.
    pub index: usize,
    /// The unit's `FileDescriptorName=`; systemd's default for that is the name of the `.socket` unit.
    pub name: Option<String>,
}

/// The kind of a socket, in the words of Twisted's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemdDomain {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// A UNIX socket.
    Unix,
}

impl SystemdServerEndpoint {
    fn find(&self) -> Result<RawFd, Failure> {
        let passed = passed_sockets();
        if passed.is_empty() {
            return Err(local("systemd has passed no sockets to this process".to_owned()));
        }
        let fits = |name: &str| self.name.as_deref().is_none_or(|wanted| wanted == name);
        let mut fitting = passed.iter().filter(|(_, name)| fits(name));
        if let Some((fd, _)) = fitting.nth(self.index) {
            return Ok(*fd);
        }
        let (count, index) = (passed.len(), self.index);
        Err(local(match &self.name {
            Some(name) => format!("systemd has passed no socket {name:?} with the index {index}"),
            None => format!("systemd has passed {count} of them, none with the index {index}"),
        }))
    }

    fn listen_now(
        &self,
        reactor: &Reactor,
        lineage: Rc<Lineage>,
    ) -> Result<Deferred<ListeningPort>, Failure> {
        let fd = self.find()?;
        let socket =
            Adopted::new(fd).map_err(|failure| failure.context(format!("descriptor {fd}")))?;
        if let Some(domain) = self.domain.filter(|domain| domain.family() != socket.domain) {
            return Err(local(format!("descriptor {fd} is not of the domain {}", domain.word())));
        }
        socket.serve(reactor, lineage)
    }
}

impl ServerEndpoint for SystemdServerEndpoint {
    fn listen(&self, reactor: &Reactor, lineage: Rc<Lineage>) -> Deferred<ListeningPort> {
        let doing = |failure: Failure| failure.context("listen on a socket from systemd");
        self.listen_now(reactor, lineage).map_err(doing).unwrap_or_else(Deferred::fail)
    }
}

impl SystemdDomain {
    /// The kind called `INET`, `INET6` or `UNIX`.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Inet, Self::Inet6, Self::Unix].into_iter().find(|domain| domain.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Inet => "INET",
            Self::Inet6 => "INET6",
            Self::Unix => "UNIX",
        }
    }

    fn family(self) -> AddressFamily {
        match self {
            Self::Inet => AddressFamily::INET,
            Self::Inet6 => AddressFamily::INET6,
            Self::Unix => AddressFamily::UNIX,
        }
    }
}

/// The first descriptor that is passed (sd_listen_fds(3): SD_LISTEN_FDS_START).
const FIRST_FD: RawFd = 3;

/// The descriptors that systemd passed to this process, with their names.
fn passed_sockets() -> Vec<(RawFd, String)> {
    let number = |name| env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Vec::new();
    }
    name_descriptors(
        number("LISTEN_FDS").unwrap_or(0),
        &env::var("LISTEN_FDNAMES").unwrap_or_default(),
    )
}

fn name_descriptors(count: u32, names: &str) -> Vec<(RawFd, String)> {
    let mut names = names.split(':');
    let fds = (FIRST_FD..).take(count as usize);
    fds.map(|fd| (fd, names.next().unwrap_or_default().to_owned())).collect()
}

fn local(why: String) -> Failure {
    Failure::new(FailureKind::Local, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_with_their_descriptors() {
        let named = |fd, name: &str| (fd, name.to_owned());
        assert_eq!(name_descriptors(2, "web:chat"), [named(3, "web"), named(4, "chat")]);
        assert_eq!(name_descriptors(2, ""), [named(3, ""), named(4, "")]);
        assert!(name_descriptors(0, "web").is_empty());
    }
}
