//! [`Delegation`]: whose servers answer for a zone; and [`Delegations`], those that are known.
//!
//! They are what parents have said of their children, name servers and their addresses ("glue") in one piece, and are
//! used to find servers and for nothing else: an address out of a referral is never given to anybody as an answer, so
//! a forged one is worth little (RFC 2181, section 5.4.1). What a child says of itself does not lengthen its life, and
//! what it says of its own children does not outlive it: a zone that its parent has given up is gone, with all that is
//! below it, when the parent's word has run out (CVE-2022-30698 and CVE-2022-30699, "ghost domains").

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use domain::base::ToName;
use ropewalk_core::Time;

use crate::Name;

/// Who answers for a zone, as its parent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delegation {
    pub(crate) zone: Name,
    pub(crate) servers: Vec<Authority>,
}

/// A name server of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) name: Name,
    /// Those that came with it; none if they have to be looked up.
    pub(crate) addresses: Vec<IpAddr>,
}

/// The delegations that are known, up to a number of bytes: the oldest goes.
pub(crate) struct Delegations {
    known: HashMap<Name, (Rc<Delegation>, Time)>,
    /// As they came; those that were forgotten among them, and known since again.
    order: VecDeque<Name>,
    bytes: usize,
    bytes_max: usize,
}

/// What an entry takes beside its names and addresses: its place in two tables, and the list of its servers.
const ENTRY_BYTES: usize = 250;
/// What a server takes beside the letters of its name.
const SERVER_BYTES: usize = 80;
/// Places of forgotten zones that are kept beside those of known ones, before the order is put in order.
const ORDER_SLACK: usize = 100;

impl Delegation {
    fn bytes(&self) -> usize {
        let of_server = |server: &Authority| {
            SERVER_BYTES + server.name.len() + size_of::<IpAddr>() * server.addresses.len()
        };
        ENTRY_BYTES + self.zone.len() + self.servers.iter().map(of_server).sum::<usize>()
    }
}

impl Delegations {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Keeps what the servers of `parent` said, for so long, and for no longer than `parent` itself is known; what the
    /// hints led to has none.
    pub(crate) fn learn(
        &mut self,
        delegation: Rc<Delegation>,
        parent: Option<&Name>,
        keep: Duration,
        now: Time,
    ) {
        let mut until = now + keep;
        if let Some(parent) = parent {
            until = until.min(self.known.get(parent).map_or(now, |(_, until)| *until));
        }
        if until <= now {
            return;
        }
        let zone = delegation.zone.clone();
        self.bytes += delegation.bytes();
        match self.known.insert(zone.clone(), (delegation, until)) {
            Some((before, _)) => self.bytes -= before.bytes(),
            None => self.order.push_back(zone),
        }
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
        if self.order.len() > 2 * self.known.len() + ORDER_SLACK {
            let mut seen = HashSet::new();
            self.order.retain(|zone| self.known.contains_key(zone) && seen.insert(zone.clone()));
        }
    }

    /// The known delegation nearest to a name: its own, or that of the nearest zone above it.
    pub(crate) fn closest(&self, name: &Name, now: Time) -> Option<Rc<Delegation>> {
        name.iter_suffixes().find_map(|zone| {
            let (delegation, until) = self.known.get(&zone)?;
            (*until > now).then(|| delegation.clone())
        })
    }

    /// Forgets the delegation of a zone: none of its servers answers, and its parent may know others by now.
    pub(crate) fn forget(&mut self, zone: &Name) {
        if let Some((forgotten, _)) = self.known.remove(zone) {
            self.bytes -= forgotten.bytes();
        }
    }
}

/// Whether `name` is `zone` or below it.
pub(crate) fn is_within(name: &impl ToName, zone: &Name) -> bool {
    name.ends_with(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::bytes_from_str(text).expect("a name")
    }

    fn delegation(zone: &str) -> Rc<Delegation> {
        Rc::new(Delegation { zone: name(zone), servers: Vec::new() })
    }

    fn at(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    #[test]
    fn the_closest_is_the_nearest_above_that_is_still_true() {
        let mut known = Delegations::new(10_000);
        known.learn(delegation("com"), None, Duration::from_secs(100), at(0));
        let com = name("com");
        known.learn(delegation("Example.COM"), Some(&com), Duration::from_secs(10), at(0));
        let closest = |time| known.closest(&name("www.example.com"), time);
        assert_eq!(closest(at(5)), Some(delegation("example.com")));
        assert_eq!(closest(at(10)), Some(delegation("com")));
        assert_eq!(closest(at(100)), None);
        assert_eq!(known.closest(&name("notexample.com"), at(5)), Some(delegation("com")));
    }

    #[test]
    fn they_never_take_more_than_they_may() {
        let keep = Duration::from_secs(9);
        let mut known = Delegations::new(1000);
        for number in 0..1000 {
            known.learn(delegation(&format!("z{number}")), None, keep, at(0));
        }
        assert_eq!((known.known.len(), known.order.len()), (3, 3));
        assert!(known.bytes <= 1000 && known.closest(&name("z999"), at(1)).is_some());
        let servers = (0..8).map(|n| Authority { name: name(&format!("n{n}")), addresses: vec![] });
        let large = Delegation { zone: name("large"), servers: servers.collect() };
        known.learn(Rc::new(large), None, keep, at(0));
        assert_eq!(known.known.len(), 1);
        for _ in 0..1000 {
            known.learn(delegation("z1"), None, keep, at(0));
            known.forget(&name("z1"));
        }
        known.forget(&name("large"));
        assert_eq!((known.known.len(), known.bytes), (0, 0));
        assert!(known.order.len() < 2 * ORDER_SLACK, "{}", known.order.len());
    }

    #[test]
    fn what_is_below_a_zone_is_known_no_longer_than_the_zone() {
        let mut known = Delegations::new(10_000);
        let (com, example) = (name("com"), name("example.com"));
        known.learn(delegation("com"), None, Duration::from_secs(10), at(0));
        known.learn(delegation("example.com"), Some(&com), Duration::from_secs(100), at(5));
        known.learn(delegation("a.example.com"), Some(&example), Duration::from_secs(100), at(9));
        assert!(known.closest(&name("a.example.com"), at(9)).is_some());
        assert_eq!(known.closest(&name("a.example.com"), at(10)), None);
        // Nor does it help to answer late.
        known.learn(delegation("a.example.com"), Some(&example), Duration::from_secs(100), at(11));
        assert_eq!(known.closest(&name("a.example.com"), at(11)), None);
    }
}
