//! [`SystemNames`]: the names of this machine, by Ropewalk's own resolver.
//!
//! It goes by the files that every other program goes by, and reads them again when they have changed, in a thread. Where
//! they ask for what only the system's own resolver does (other name services, an interface by its name), that one is asked
//! instead.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Deferred, Endpoints, Failure, Reactor, Resolve, Resolver as Waiter, Time};
use ropewalk_dns::{Dial, Hosts, ResolvConf, Resolver, ResolverOptions};
use ropewalk_net::{SystemResolver, ThreadPool, ThreadPoolLimits};

/// Finds addresses as the machine is set up to, without a thread for each name. Cheap to clone.
///
/// `/etc/resolv.conf`, `/etc/hosts` and `/etc/nsswitch.conf` are read for the first name, and looked at again for a later
/// one, once a second at most; what has changed counts from the name after that on.
///
/// # Platform
/// The system's resolver is asked instead where nsswitch.conf names services for `hosts` beside `files` and `dns`
/// (`resolve` is one of DNS, too; with `myhostname` and `mdns_minimal`, which know names of this link only, it is asked for
/// names without a dot and those under `local`), where resolv.conf has something in it that is not done here
/// ([`ResolvConf::not_done`]), and where there is no such file.
#[derive(Clone)]
pub struct SystemNames(Rc<Inner>);

/// Where the files are.
#[derive(Clone, Debug)]
pub struct SystemFiles {
    /// Whom to ask.
    pub resolv_conf: PathBuf,
    /// What is known.
    pub hosts: PathBuf,
    /// Which services there are.
    pub nsswitch_conf: PathBuf,
}

struct Inner {
    reactor: Reactor,
    files: SystemFiles,
    pool: ThreadPool,
    system: SystemResolver,
    own: Resolver,
    scope: Cell<Scope>,
    /// Of what was read last; `None` before the first time.
    stamps: RefCell<Option<Stamps>>,
    looked_at: Cell<Time>,
    is_looking: Cell<bool>,
    /// Those who ask before the files have been read.
    waiting: RefCell<Vec<Waiter<()>>>,
}

/// Which names Ropewalk's resolver is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    All,
    /// All but those of this link.
    Wide,
    None,
}

/// As often as it is worth looking whether a file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// More of a file is not read: the largest lists of hosts have a few megabytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

impl Default for SystemFiles {
    fn default() -> Self {
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            nsswitch_conf: "/etc/nsswitch.conf".into(),
        }
    }
}

impl SystemNames {
    /// The names of this machine.
    pub fn new(reactor: &Reactor) -> Self {
        Self::with_files(reactor, SystemFiles::default())
    }

    /// By other files.
    pub fn with_files(reactor: &Reactor, files: SystemFiles) -> Self {
        let system = SystemResolver::new(reactor);
        // Servers are dialled by their addresses: nobody is asked for a name on the way.
        let mut endpoints = Endpoints::new();
        ropewalk_net::register(&mut endpoints, Rc::new(system.clone()));
        ropewalk_tls::register(&mut endpoints, Rc::new(system.clone()));
        let own = Resolver::new(reactor, Dial::new(endpoints), ResolverOptions::default());
        Self(Rc::new(Inner {
            reactor: reactor.clone(),
            files,
            pool: ThreadPool::new(reactor, ThreadPoolLimits::default()),
            system,
            own,
            scope: Cell::new(Scope::None),
            stamps: RefCell::new(None),
            looked_at: Cell::new(Time::START),
            is_looking: Cell::new(false),
            waiting: RefCell::default(),
        }))
    }

    /// Ropewalk's resolver, when the files have been read: for other records than addresses.
    ///
    /// # Errors
    /// As [`ThreadPool::defer_to_thread`] if there is no thread to read them. Files that are not there are no failure.
    pub fn resolver(&self) -> Deferred<Resolver> {
        let own = self.0.own.clone();
        self.0.ready().add_callback(move |()| Ok(own))
    }
}

impl Resolve for SystemNames {
    fn resolve(&self, reactor: &Reactor, name: &str) -> Deferred<Vec<IpAddr>> {
        let (inner, name, reactor) = (self.0.clone(), name.to_owned(), reactor.clone());
        self.0.ready().add_callback(move |()| match inner.is_own(&name) {
            true => inner.own.addresses(&name),
            false => inner.system.resolve(&reactor, &name),
        })
    }
}

impl Inner {
    fn is_own(&self, name: &str) -> bool {
        let bare = name.strip_suffix('.').unwrap_or(name);
        match self.scope.get() {
            Scope::All => true,
            Scope::Wide => bare.contains('.') && !bare.to_ascii_lowercase().ends_with(".local"),
            Scope::None => false,
        }
    }

    /// Fires when the files have been read once; sees to it that they are looked at again.
    fn ready(self: &Rc<Self>) -> Deferred<()> {
        let now = self.reactor.now();
        let was_read = self.stamps.borrow().is_some();
        let is_due = !was_read || now.since(self.looked_at.get()) >= LOOK_EVERY;
        let waits = (!was_read).then(|| {
            let (waiter, read) = Deferred::new();
            self.waiting.borrow_mut().push(waiter);
            read
        });
        if is_due && !self.is_looking.replace(true) {
            self.looked_at.set(now);
            self.look();
        }
        waits.unwrap_or_else(|| Deferred::succeed(()))
    }

    fn look(self: &Rc<Self>) {
        let (files, before) = (self.files.clone(), *self.stamps.borrow());
        let inner = self.clone();
        let looked =
            self.pool.defer_to_thread(move || Ok(read_if_changed(&files, before.as_ref())));
        drop(looked.add_both(move |read: Result<Option<Contents>, Failure>| {
            inner.is_looking.set(false);
            let failed = match read {
                Ok(contents) => {
                    contents.into_iter().for_each(|contents| inner.go_by(contents));
                    None
                }
                Err(failure) => Some(failure),
            };
            for waiter in inner.waiting.take() {
                waiter.fire(failed.clone().map_or(Ok(()), Err));
            }
        }));
    }

    fn go_by(&self, contents: Contents) {
        self.scope.set(contents.scope());
        let Contents { stamps, conf, hosts, ipv6, .. } = contents;
        self.own.set_ipv6_first(ipv6);
        self.own.configure(conf.unwrap_or_default(), hosts);
        self.stamps.replace(Some(stamps));
    }
}

/// When each file was last changed, and how long it was; `None` for one that is not there.
type Stamps = [Option<(SystemTime, u64)>; 3];

/// What the files say.
struct Contents {
    stamps: Stamps,
    conf: Option<ResolvConf>,
    hosts: Hosts,
    /// The services for hosts.
    services: Vec<String>,
    /// Whether there is a way to addresses of IPv6.
    ipv6: bool,
}

fn read_if_changed(files: &SystemFiles, before: Option<&Stamps>) -> Option<Contents> {
    let paths = [&files.resolv_conf, &files.hosts, &files.nsswitch_conf];
    let stamps = paths.map(|path| {
        let info = fs::metadata(path).ok()?;
        Some((info.modified().ok()?, info.len()))
    });
    if before == Some(&stamps) {
        return None;
    }
    let [conf, hosts, services] = paths.map(|path| read(path).ok());
    Some(Contents {
        stamps,
        conf: conf.as_deref().map(ResolvConf::parse),
        hosts: hosts.as_deref().map(Hosts::parse).unwrap_or_default(),
        services: services.as_deref().map(services_in).unwrap_or_default(),
        ipv6: reaches_ipv6().is_ok(),
    })
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The words of the line `hosts:`, without what is to be done after each (in brackets).
fn services_in(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let hosts = lines.filter_map(|line| line.strip_prefix("hosts:")).next_back();
    let mut in_brackets = false;
    let words = hosts.unwrap_or_default().split_ascii_whitespace().filter(|word| {
        let is_within = in_brackets || word.starts_with('[');
        in_brackets = is_within && !word.ends_with(']');
        !is_within
    });
    words.map(str::to_owned).collect()
}

/// Connecting a datagram socket asks for the route, and sends nothing.
fn reaches_ipv6() -> io::Result<()> {
    UdpSocket::bind("[::]:0")?.connect("[2001:db8::1]:53")
}

impl Contents {
    fn scope(&self) -> Scope {
        if self.conf.as_ref().is_none_or(|conf| !conf.not_done.is_empty()) {
            return Scope::None;
        }
        let scopes = self.services.iter().map(|service| match service.as_str() {
            "files" | "dns" | "resolve" => Scope::All,
            "myhostname" => Scope::Wide,
            other if other.starts_with("mdns") && other.ends_with("_minimal") => Scope::Wide,
            _ => Scope::None,
        });
        scopes.max_by_key(|scope| *scope as u8).unwrap_or(Scope::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(conf: Option<&str>, services: &str) -> Scope {
        let contents = Contents {
            stamps: [None; 3],
            conf: conf.map(ResolvConf::parse),
            hosts: Hosts::default(),
            services: services_in(services),
            ipv6: true,
        };
        contents.scope()
    }

    #[test]
    fn what_only_the_system_can_is_left_to_it() {
        let conf = Some("nameserver 192.0.2.1");
        assert_eq!(scope(conf, ""), Scope::All);
        assert_eq!(scope(conf, "passwd: files ldap\nhosts: files dns # ldap\n"), Scope::All);
        assert_eq!(scope(conf, "hosts: files resolve [!UNAVAIL=return] dns"), Scope::All);
        let desktop = "hosts: files mdns4_minimal [NOTFOUND = return] dns myhostname";
        assert_eq!(scope(conf, desktop), Scope::Wide);
        assert_eq!(scope(conf, "hosts: files ldap dns myhostname"), Scope::None);
        assert_eq!(scope(Some("sortlist 192.0.2.0"), "hosts: files dns"), Scope::None);
        assert_eq!(scope(None, "hosts: files dns"), Scope::None);
    }
}
