//! [`ResolvConf`]: what `/etc/resolv.conf` says, as resolv.conf(5) has it. Reading the file is the caller's business.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use crate::Name;

/// Whom to ask, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvConf {
    /// The servers, in the order in which they are asked; the first three that the file has.
    pub servers: Vec<SocketAddr>,
    /// What is put behind names that are not whole; the first 32.
    pub search: Vec<Name>,
    /// `ndots`: a name with so many dots is asked for as it is first, before the search list. Default 1, at most 15.
    pub dots: usize,
    /// `timeout`: how long to wait for a server's answer in the first round. Default 5 s, 1 to 30 s.
    pub timeout: Duration,
    /// `attempts`: how many rounds the servers are asked in. Default 2, 1 to 5.
    pub attempts: u32,
    /// `rotate`: begin with another server each time.
    pub rotate: bool,
    /// `use-vc`: ask over TCP only.
    pub use_tcp: bool,
    /// `no-aaaa`: do not ask for addresses of IPv6.
    pub no_ipv6: bool,
    /// `single-request`: ask for addresses of IPv4 and IPv6 one after the other.
    pub single_request: bool,
    /// `trust-ad`: believe these servers that they have validated.
    pub trust_ad: bool,
    /// `no-tld-query`: do not ask for a name without a dot as it is.
    pub no_bare_names: bool,
    /// Lines that say something which is not done here; who needs them asks the system's resolver.
    pub not_done: Vec<String>,
}

/// As in glibc (`MAXNS`).
const SERVERS_MAX: usize = 3;
/// A name costs up to so many questions.
const SEARCH_MAX: usize = 32;

impl Default for ResolvConf {
    /// An empty file: a server on this machine.
    fn default() -> Self {
        let mut conf = Self::without_servers();
        conf.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
        conf
    }
}

impl ResolvConf {
    /// What `text` says. What cannot be understood is passed over, as the system's resolver does.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::without_servers();
        for line in text.lines() {
            if !line.starts_with(['#', ';']) {
                conf.read_line(line);
            }
        }
        if conf.servers.is_empty() && conf.not_done.is_empty() {
            conf.servers = Self::default().servers;
        }
        conf
    }

    fn without_servers() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            dots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            no_ipv6: false,
            single_request: false,
            trust_ad: false,
            no_bare_names: false,
            not_done: Vec::new(),
        }
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") => match words.next().map(server) {
                Some(Some(server)) if self.servers.len() < SERVERS_MAX => self.servers.push(server),
                Some(None) => self.not_done.push(line.to_owned()),
                _ => {}
            },
            // The last of either counts.
            Some("domain") => self.search = words.take(1).filter_map(name).collect(),
            Some("search") => self.search = words.filter_map(name).take(SEARCH_MAX).collect(),
            Some("options") => words.for_each(|option| self.read_option(option)),
            Some("sortlist") => self.not_done.push(line.to_owned()),
            _ => {}
        }
    }

    fn read_option(&mut self, option: &str) {
        let (word, value) = option.split_once(':').unwrap_or((option, ""));
        let number = |least: u32, most: u32| Some(value.parse::<u32>().ok()?.clamp(least, most));
        match word {
            "ndots" => self.dots = number(0, 15).map_or(self.dots, |dots| dots as usize),
            "timeout" => {
                let seconds = number(1, 30).map(|seconds| Duration::from_secs(seconds.into()));
                self.timeout = seconds.unwrap_or(self.timeout);
            }
            "attempts" => self.attempts = number(1, 5).unwrap_or(self.attempts),
            "rotate" => self.rotate = true,
            "use-vc" => self.use_tcp = true,
            "no-aaaa" => self.no_ipv6 = true,
            "single-request" | "single-request-reopen" => self.single_request = true,
            "trust-ad" => self.trust_ad = true,
            "no-tld-query" => self.no_bare_names = true,
            _ => {} // `edns0` is done always; the rest is about things that are not here.
        }
    }

    /// What to ask for when a user says `name`, in that order.
    pub fn candidates(&self, name: &str) -> Vec<Name> {
        let whole: Option<Name> = name.parse().ok();
        if name.ends_with('.') {
            return whole.into_iter().collect();
        }
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        let longer = self.search.iter().filter_map(|suffix| {
            let shown = suffix.to_string();
            if shown == "." { name.parse().ok() } else { format!("{name}.{shown}").parse().ok() }
        });
        let mut candidates: Vec<Name> = longer.collect();
        let may_be_whole = dots > 0 || !self.no_bare_names || candidates.is_empty();
        if let Some(whole) = whole.filter(|_| may_be_whole) {
            let place = if dots >= self.dots { 0 } else { candidates.len() };
            candidates.insert(place, whole);
        }
        candidates
    }
}

/// An address; one of a link's with the number of its interface. Names of interfaces are the system's to know.
fn server(text: &str) -> Option<SocketAddr> {
    let scoped = || format!("[{text}]:53").parse::<SocketAddrV6>().ok().map(SocketAddr::V6);
    let plain = text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53));
    plain.or_else(scoped)
}

fn name(text: &str) -> Option<Name> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_whom_to_ask_and_how() {
        let conf = ResolvConf::parse(
            "# comment\n; comment\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n\
             nameserver fe80::1%2\nnameserver 192.0.2.4\n\
             domain old.example\nsearch a.example b.example\n\
             options ndots:2 timeout:3 attempts:4 rotate use-vc no-aaaa single-request trust-ad edns0\n",
        );
        let servers: Vec<String> = conf.servers.iter().map(SocketAddr::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%2]:53"]);
        let search: Vec<String> = conf.search.iter().map(Name::to_string).collect();
        assert_eq!(search, ["a.example", "b.example"]);
        assert_eq!((conf.dots, conf.timeout, conf.attempts), (2, Duration::from_secs(3), 4));
        assert!(conf.rotate && conf.use_tcp && conf.no_ipv6 && conf.single_request);
        assert!(conf.trust_ad && conf.not_done.is_empty());
    }

    #[test]
    fn numbers_are_within_bounds_and_nonsense_is_passed_over() {
        let conf = ResolvConf::parse(
            "options ndots:99 timeout:900 attempts:0 timeout:x nonsense\nnameserver\nfoo bar\n\n",
        );
        assert_eq!((conf.dots, conf.timeout, conf.attempts), (15, Duration::from_secs(30), 1));
        assert_eq!(conf.servers, ResolvConf::default().servers);
        assert_eq!(ResolvConf::parse(""), ResolvConf::default());
    }

    #[test]
    fn what_is_not_done_is_told() {
        let conf = ResolvConf::parse("nameserver fe80::1%eth0\nsortlist 192.0.2.0\n");
        assert_eq!(conf.not_done, ["nameserver fe80::1%eth0", "sortlist 192.0.2.0"]);
        assert!(conf.servers.is_empty());
    }

    #[test]
    fn the_search_list_comes_before_or_after_the_name_by_its_dots() {
        let conf = ResolvConf::parse("search a.example b.example\noptions ndots:2");
        let asked = |name: &str| -> Vec<String> {
            conf.candidates(name).iter().map(Name::to_string).collect()
        };
        assert_eq!(asked("www"), ["www.a.example", "www.b.example", "www"]);
        assert_eq!(asked("www.c"), ["www.c.a.example", "www.c.b.example", "www.c"]);
        assert_eq!(asked("w.w.c"), ["w.w.c", "w.w.c.a.example", "w.w.c.b.example"]);
        assert_eq!(asked("www."), ["www"]);
        assert!(asked("").is_empty() || asked("") == ["."], "{:?}", asked(""));
        assert!(asked(&"x".repeat(64)).is_empty());
    }
}
