//! How a zone answers: RFC 1034, section 4.3.2, with wildcards (RFC 4592), DNAME (RFC 6672) and signatures (RFC 4035,
//! section 3.1).

use std::borrow::Cow;
use std::hash::BuildHasher;

use domain::base::iana::{Class, OptRcode, Rtype};
use foldhash::fast::FixedState;

use super::denial::Proofs;
use super::rrset::RrSet;
use super::zone::{Node, Zone};
use crate::server::{Answer, Need, Query, Section};
use crate::wire_name::{NAME_BYTES_MAX, WireName, is_at_or_below, parent, plain_name_len};

/// Aliases followed for one question; a longer chain, or a circle, is given as far as this.
const ALIASES_MAX: usize = 16;

/// Where a name leads in a zone.
enum Found<'z> {
    /// It is there; perhaps without any records.
    Name(&'z Node),
    /// It is not, and a wildcard stands for it; that is below the last name above it that is there.
    Wildcard { wildcard: &'z Node, encloser: &'z Node },
    /// It is not, and nothing stands for it.
    Nothing { encloser: &'z Node },
    /// It is at or below a delegation.
    Delegated(&'z Node),
    /// It is below a name with a DNAME.
    Renamed(&'z Node),
}

impl Zone {
    /// Answers `query`, whose name is at or below the zone's own.
    pub fn answer(&self, query: &Query<'_>, answer: &mut Answer<'_>) {
        let (rtype, signed) = (query.rtype(), query.dnssec_ok());
        let search = Search { zone: self, rtype, signed, stood_for: Vec::new() };
        search.run(query, answer);
    }

    fn look_up(&self, name: &[u8], rtype: Rtype) -> Found<'_> {
        if let Some(node) = self.find(name) {
            return match (node.cut, node.dname) {
                (Some(cut), _) => {
                    let cut = self.node(cut);
                    // What a delegation is signed with is the parent's to say (RFC 4035, section 3.1.4.1).
                    let is_parents = rtype == Rtype::DS && std::ptr::eq(cut, node);
                    if is_parents { Found::Name(node) } else { Found::Delegated(cut) }
                }
                (None, Some(dname)) => Found::Renamed(self.node(dname)),
                (None, None) => Found::Name(node),
            };
        }
        self.look_above(name)
    }

    /// The same for a name that is not there.
    fn look_above(&self, name: &[u8]) -> Found<'_> {
        let mut above = parent(name);
        let mut encloser = self.apex_node();
        while let Some(name) = above {
            if let Some(node) = self.find(name) {
                encloser = node;
                break;
            }
            above = parent(name);
        }
        let renaming = encloser.dname.map(|dname| self.node(dname));
        let renaming = renaming.or_else(|| encloser.set(Rtype::DNAME).map(|_| encloser));
        match (encloser.cut, renaming, encloser.wildcard) {
            (Some(cut), ..) => Found::Delegated(self.node(cut)),
            (None, Some(dname), _) => Found::Renamed(dname),
            (None, None, Some(wildcard)) => {
                Found::Wildcard { wildcard: self.node(wildcard), encloser }
            }
            (None, None, None) => Found::Nothing { encloser },
        }
    }
}

/// One question on its way through a zone.
struct Search<'z> {
    zone: &'z Zone,
    rtype: Rtype,
    signed: bool,
    /// The names for which wildcards have stood, with what these are below: that nothing was closer is to be proved.
    stood_for: Vec<(WireName, &'z Node)>,
}

/// What a search has come to.
enum End<'z> {
    /// The answer is in.
    Records(&'z RrSet),
    /// An alias leads out of the zone, or too far.
    Elsewhere,
    /// The name is there, and has no such records.
    NoData(&'z Node),
    /// A wildcard stands for the name, and has no such records.
    NoWildcardData { wildcard: &'z Node, encloser: &'z Node },
    /// The name is not there.
    NoName { encloser: &'z Node },
    /// Others have the authority.
    Referral(&'z Node),
}

/// What a name has for a question.
enum Has<'z> {
    Records(&'z RrSet),
    Alias(&'z RrSet),
    Nothing,
}

/// The name that is looked for: the question's, or where an alias has led.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, on the stack; a box would be allocated"
)]
enum Wanted<'z, 'q> {
    /// In small letters.
    Question(&'q [u8]),
    Target {
        name: Cow<'z, [u8]>,
        lower: WireName,
    },
}

impl Wanted<'_, '_> {
    fn lower(&self) -> &[u8] {
        match self {
            Self::Question(lower) => lower,
            Self::Target { lower, .. } => lower.as_slice(),
        }
    }

    /// As records are owned by it; `None` is the question's.
    fn owner(&self) -> Option<&[u8]> {
        match self {
            Self::Question(_) => None,
            Self::Target { name, .. } => Some(name),
        }
    }
}

impl<'z> Search<'z> {
    fn run(mut self, query: &Query<'_>, answer: &mut Answer<'_>) {
        let mut wanted = Wanted::Question(query.lowercase_name());
        let end = self.follow(query, answer, &mut wanted);
        let mut proofs = Proofs::new(self.zone);
        for (name, encloser) in &self.stood_for {
            proofs.nothing_closer(answer, name.as_slice(), encloser);
        }
        match end {
            End::Records(set) => self.give_addresses(answer, set),
            End::Elsewhere => {}
            End::NoData(_) | End::NoWildcardData { .. } | End::NoName { .. } => {
                self.deny(answer, &mut proofs, &end, wanted.lower());
            }
            End::Referral(cut) => self.refer(answer, &mut proofs, cut),
        }
    }

    /// Looks the name up, and what aliases make of it, until there is an end.
    fn follow(
        &mut self,
        query: &Query<'_>,
        answer: &mut Answer<'_>,
        wanted: &mut Wanted<'z, '_>,
    ) -> End<'z> {
        // Most searches have none.
        let mut trail: Option<Trail> = None;
        for _ in 0..ALIASES_MAX {
            let found = self.zone.look_up(wanted.lower(), self.rtype);
            if !matches!(found, Found::Delegated(_)) {
                answer.set_authoritative();
            }
            let target = match found {
                Found::Name(node) if self.is_in(node, trail.as_ref()) => return End::Elsewhere,
                Found::Name(node) => match self.give(answer, wanted, query, node) {
                    Has::Records(set) => return End::Records(set),
                    Has::Nothing => return End::NoData(node),
                    Has::Alias(set) => Cow::Borrowed(first_data(set)),
                },
                Found::Wildcard { wildcard, encloser } => {
                    let has = self.give(answer, wanted, query, wildcard);
                    if self.signed && !matches!(has, Has::Nothing) {
                        self.stood_for.push((WireName::lowercase(wanted.lower()), encloser));
                    }
                    match has {
                        Has::Records(set) => return End::Records(set),
                        Has::Nothing => return End::NoWildcardData { wildcard, encloser },
                        Has::Alias(set) => Cow::Borrowed(first_data(set)),
                    }
                }
                Found::Nothing { encloser } => return End::NoName { encloser },
                Found::Delegated(cut) => return End::Referral(cut),
                Found::Renamed(node) => {
                    let is_new = trail.get_or_insert_default().renames_by(node);
                    match self.rename(answer, wanted, query, (node, is_new)) {
                        Some(target) => Cow::Owned(target),
                        None => return End::Elsewhere,
                    }
                }
            };
            // A DNAME has been asked for its CNAME: that is in.
            if self.rtype == Rtype::CNAME {
                return End::Elsewhere;
            }
            let (lower, trail) = (WireName::lowercase(&target), trail.get_or_insert_default());
            trail.leads_to(wanted.lower());
            if !is_at_or_below(lower.as_slice(), self.zone.apex())
                || !trail.leads_to(lower.as_slice())
            {
                return End::Elsewhere;
            }
            *wanted = Wanted::Target { name: target, lower };
        }
        End::Elsewhere
    }

    /// Whether what is asked for is a DNAME that has renamed the name to itself, and so is in the answer.
    fn is_in(&self, node: &Node, trail: Option<&Trail>) -> bool {
        let set = match self.rtype {
            Rtype::DNAME => node.set(Rtype::DNAME),
            Rtype::ANY => one_set(node).filter(|set| set.rtype == Rtype::DNAME),
            _ => None,
        };
        set.is_some() && trail.is_some_and(|trail| trail.has_renamed_by(node))
    }

    /// Puts the records asked for into the answer, or the alias that is there in their place.
    fn give(
        &self,
        answer: &mut Answer<'_>,
        wanted: &Wanted<'_, '_>,
        query: &Query<'_>,
        node: &'z Node,
    ) -> Has<'z> {
        let set = match self.rtype {
            Rtype::RRSIG => return give_signatures(answer, wanted, query, node),
            Rtype::ANY => one_set(node),
            rtype => node.set(rtype),
        };
        let place = (Section::Answer, Need::Required);
        // An alias has an NSEC of its own, or none, and is not followed to another's (RFC 4035, section 2.5).
        let is_beside = self.rtype == Rtype::NSEC;
        match (set, node.set(Rtype::CNAME).filter(|_| !is_beside)) {
            (Some(set), _) => {
                set.push(answer, place, wanted.owner(), self.signed);
                Has::Records(set)
            }
            (None, Some(alias)) => {
                alias.push(answer, place, wanted.owner(), self.signed);
                Has::Alias(alias)
            }
            (None, None) => Has::Nothing,
        }
    }

    /// Gives the DNAME that a name is below, if it is new, and the CNAME that it means (RFC 6672, section 3.1); and where that leads,
    /// unless it is too long to be a name.
    fn rename(
        &self,
        answer: &mut Answer<'_>,
        wanted: &Wanted<'_, '_>,
        query: &Query<'_>,
        (node, is_new): (&Node, bool),
    ) -> Option<Vec<u8>> {
        let set = node.set(Rtype::DNAME)?;
        let place = (Section::Answer, Need::Required);
        if is_new {
            set.push(answer, place, Some(&node.name), self.signed);
        }
        let name = wanted.owner().unwrap_or(query.name());
        let prefix = &name[..name.len() - node.name.len()];
        let target = [prefix, first_data(set)].concat();
        if target.len() > NAME_BYTES_MAX {
            answer.set_rcode(OptRcode::YXDOMAIN);
            return None;
        }
        let data = [&*target];
        let (section, need) = place;
        answer.push_rrset(section, need, name, Rtype::CNAME, Class::IN, set.ttl, data);
        Some(target)
    }

    /// Says that something is not there, for how long that may be kept, and with what it is proved.
    fn deny(&self, answer: &mut Answer<'_>, proofs: &mut Proofs<'z>, end: &End<'z>, name: &[u8]) {
        if let End::NoName { .. } = end {
            answer.set_rcode(OptRcode::NXDOMAIN);
        }
        let apex = &*self.zone.apex_node().name;
        let place = (Section::Authority, Need::Required);
        self.zone.negative_soa.push(answer, place, Some(apex), self.signed);
        if !self.signed {
            return;
        }
        match *end {
            End::NoData(node) => proofs.no_data(answer, node),
            End::NoWildcardData { wildcard, encloser } => {
                proofs.no_wildcard_data(answer, name, (wildcard, encloser));
            }
            End::NoName { encloser } => proofs.no_name(answer, name, encloser),
            _ => {}
        }
    }

    /// Says who has the authority: the name servers of a delegation, whether it is signed, and their addresses as far as
    /// nobody else could give them (RFC 9471: all of those, or the answer is truncated).
    fn refer(&self, answer: &mut Answer<'_>, proofs: &mut Proofs<'z>, cut: &'z Node) {
        let Some(servers) = cut.set(Rtype::NS) else { return };
        let place = (Section::Authority, Need::Required);
        servers.push(answer, place, Some(&cut.name), false);
        match cut.set(Rtype::DS) {
            _ if !self.signed => {}
            Some(set) => drop(set.push(answer, place, Some(&cut.name), true)),
            None => proofs.no_data(answer, cut),
        }
        let (apex, mut given) = (WireName::lowercase(&cut.name), Given::default());
        for name in servers.data() {
            let lower = WireName::lowercase(name);
            let is_below = is_at_or_below(lower.as_slice(), apex.as_slice());
            let need = if is_below { Need::Required } else { Need::Optional };
            self.push_addresses(answer, &mut given, name, (need, false));
        }
    }

    /// Gives the addresses of the names in a set, as far as the zone has them and there is room.
    fn give_addresses(&self, answer: &mut Answer<'_>, set: &RrSet) {
        let before = match set.rtype {
            Rtype::NS => 0,
            Rtype::MX => 2,
            Rtype::SRV => 6,
            _ => return,
        };
        let mut given = Given::default();
        for data in set.data() {
            let name = data.get(before..).unwrap_or_default();
            self.push_addresses(answer, &mut given, name, (Need::Optional, self.signed));
        }
    }

    fn push_addresses(
        &self,
        answer: &mut Answer<'_>,
        given: &mut Given,
        name: &[u8],
        (need, signed): (Need, bool),
    ) {
        if plain_name_len(name) != Some(name.len()) {
            return;
        }
        let lower = WireName::lowercase(name);
        let Some(node) = self.zone.find(lower.as_slice()) else { return };
        if !given.insert(place_of(node)) {
            return; // The same name in other letters.
        }
        for rtype in [Rtype::A, Rtype::AAAA] {
            if let Some(set) = node.set(rtype) {
                set.push(answer, (Section::Additional, need), Some(name), signed);
            }
        }
    }
}

/// The names whose addresses an answer has. A set with more servers may have some twice, which is no harm.
type Given = Few<64>;

/// Where a search has come by, by the hashes of names and the places of DNAMEs, so that no record goes in twice.
#[derive(Default)]
struct Trail {
    names: Few<{ ALIASES_MAX + 1 }>,
    dnames: Few<ALIASES_MAX>,
}

impl Trail {
    /// Notes a name; gives whether it is new, and the aliases no circle. Two names of one hash end the search early, which
    /// is what a chain that is too long does.
    fn leads_to(&mut self, lower: &[u8]) -> bool {
        self.names.insert(FixedState::default().hash_one(lower))
    }

    /// Notes a DNAME; gives whether it is new.
    fn renames_by(&mut self, node: &Node) -> bool {
        self.dnames.insert(place_of(node))
    }

    fn has_renamed_by(&self, node: &Node) -> bool {
        self.dnames.contains(place_of(node))
    }
}

/// A set of a few numbers; when it is full, those that are not in it stay new.
struct Few<const N: usize> {
    numbers: [u64; N],
    len: usize,
}

impl<const N: usize> Default for Few<N> {
    fn default() -> Self {
        Self { numbers: [0; N], len: 0 }
    }
}

/// What a node is known by, in a zone that is not changed.
fn place_of(node: &Node) -> u64 {
    std::ptr::from_ref(node).addr() as u64
}

impl<const N: usize> Few<N> {
    fn contains(&self, number: u64) -> bool {
        self.numbers[..self.len].contains(&number)
    }

    /// Puts a number in; gives whether it was not in it.
    fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        if let Some(place) = self.numbers.get_mut(self.len) {
            *place = number;
            self.len += 1;
        }
        true
    }
}

/// All signatures of a name.
fn give_signatures<'z>(
    answer: &mut Answer<'_>,
    wanted: &Wanted<'_, '_>,
    query: &Query<'_>,
    node: &'z Node,
) -> Has<'z> {
    let owner = wanted.owner().unwrap_or(query.name());
    let mut last = None;
    let covering = node.sets.iter().filter_map(|set| set.signatures.as_deref());
    for set in covering.chain(node.set(Rtype::RRSIG)) {
        set.push(answer, (Section::Answer, Need::Required), Some(owner), false);
        last = Some(set);
    }
    last.map_or(Has::Nothing, Has::Records)
}

/// What ANY is answered with: one of the sets, as RFC 8482, section 4.1 allows. A made-up HINFO (section 4.2) could not
/// be signed, and all of them are what makes ANY good for attacks. It is the first by type that is no part of the
/// signing.
fn one_set(node: &Node) -> Option<&RrSet> {
    let is_data = |set: &&RrSet| ![Rtype::NSEC, Rtype::RRSIG].contains(&set.rtype);
    node.sets.iter().find(is_data).or(node.sets.first())
}

fn first_data(set: &RrSet) -> &[u8] {
    set.data().next().unwrap_or_default()
}
