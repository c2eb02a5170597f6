//! [`Denial`]: the records that prove that something is not there, in a signed zone.
//!
//! A signed zone has a chain through its names in their canonical order (NSEC, RFC 4034, section 4) or through the
//! hashes of its names (NSEC3, RFC 5155). That a name is missing is proved by the link that jumps over it.

use domain::base::iana::{Nsec3HashAlgorithm, Rtype};
use ring::digest;

use super::problem::{Problem, ProblemKind};
use super::rrset::RrSet;
use super::zone::{Node, NodeId, Zone};
use crate::server::{Answer, Need, Section};
use crate::wire_name::{canonical_key, label_count, labels, parent};

/// The chain of a zone, if it has one.
#[derive(Debug)]
pub(super) enum Denial {
    Unsigned,
    Names(Vec<(Vec<u8>, NodeId)>),
    Hashes(Hashes),
}

/// A chain of hashes.
#[derive(Debug)]
pub(super) struct Hashes {
    iterations: u16,
    salt: Box<[u8]>,
    /// Sorted.
    chain: Vec<([u8; HASH_BYTES], Node)>,
}

/// SHA-1's length; there is no other algorithm (RFC 5155, section 11).
const HASH_BYTES: usize = 20;

/// A zone that asks for more rounds gives no proofs: each question would cost as much (RFC 9276, section 3.1 says 0;
/// resolvers take no more than 150).
const ITERATIONS_MAX: u16 = 500;

impl Denial {
    /// The chain among these nodes; `hashed` are those of the NSEC3 records.
    pub(super) fn new(
        apex: &[u8],
        nodes: &[Node],
        hashed: Vec<Node>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        if hashed.is_empty() {
            return Self::of_names(nodes);
        }
        let parameters = nodes[0].set(Rtype::NSEC3PARAM).and_then(|set| set.data().next());
        match parameters.and_then(|data| Hashes::new(data, hashed)) {
            Some(hashes) => Self::Hashes(hashes),
            None => {
                let name = apex.into();
                problems.push(Problem { place: None, name, kind: ProblemKind::BadNsec3 });
                Self::Unsigned
            }
        }
    }

    fn of_names(nodes: &[Node]) -> Self {
        let ids = (0..).zip(nodes);
        let with = ids.filter(|(_, node)| node.set(Rtype::NSEC).is_some());
        let mut chain: Vec<_> = with.map(|(id, node)| (canonical_key(&node.name), id)).collect();
        if chain.is_empty() {
            return Self::Unsigned;
        }
        chain.sort_unstable();
        Self::Names(chain)
    }

    /// One of these [`nodes`](Self::nodes), by its number.
    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        match self {
            Self::Hashes(hashes) => hashes.chain.get(index).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The nodes of the hashes, which are not among the zone's others.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        let chain = match self {
            Self::Hashes(hashes) => &hashes.chain[..],
            _ => &[],
        };
        chain.iter().map(|(_, node)| node)
    }
}

impl Hashes {
    /// By the data of an NSEC3PARAM record: algorithm, flags, iterations, salt (RFC 5155, section 4.2).
    fn new(parameters: &[u8], hashed: Vec<Node>) -> Option<Self> {
        let (fixed, salt) = parameters.split_at_checked(5)?;
        let iterations = u16::from_be_bytes([fixed[2], fixed[3]]);
        let is_known = fixed[0] == Nsec3HashAlgorithm::SHA1.to_int();
        if !is_known || iterations > ITERATIONS_MAX || salt.len() != usize::from(fixed[4]) {
            return None;
        }
        let mut chain: Vec<_> =
            hashed.into_iter().filter_map(|node| Some((owner_hash(&node.name)?, node))).collect();
        chain.sort_unstable_by_key(|(hash, _)| *hash);
        (!chain.is_empty()).then(|| Self { iterations, salt: salt.into(), chain })
    }

    /// The hash of a name in small letters (RFC 5155, section 5).
    fn hash(&self, name: &[u8]) -> [u8; HASH_BYTES] {
        let mut hash = self.round(name);
        for _ in 0..self.iterations {
            hash = self.round(&hash);
        }
        hash
    }

    fn round(&self, of: &[u8]) -> [u8; HASH_BYTES] {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(of);
        context.update(&self.salt);
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    fn matching(&self, name: &[u8]) -> Option<usize> {
        let hash = self.hash(name);
        self.chain.binary_search_by_key(&hash, |(hash, _)| *hash).ok()
    }

    /// The link that jumps over a name: that of the hash before, in a circle.
    fn covering(&self, name: &[u8]) -> usize {
        let hash = self.hash(name);
        let after = self.chain.partition_point(|(other, _)| *other < hash);
        after.checked_sub(1).unwrap_or(self.chain.len() - 1)
    }
}

/// The hash that is the first label of an NSEC3 record's name.
fn owner_hash(name: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let label = std::str::from_utf8(labels(name).next()?).ok()?;
    let hash: Vec<u8> = domain::utils::base32::decode_hex(label).ok()?;
    hash.try_into().ok()
}

/// The proofs of one answer: each record goes in once.
pub(super) struct Proofs<'z> {
    zone: &'z Zone,
    given: [usize; GIVEN_MAX],
    len: usize,
}

/// Links given with one answer: three for each of the names of a chain of aliases that is not absurd.
const GIVEN_MAX: usize = 16;

impl<'z> Proofs<'z> {
    pub(super) fn new(zone: &'z Zone) -> Self {
        Self { zone, given: [0; GIVEN_MAX], len: 0 }
    }

    /// That `name` is there and has no such type: `node` is it, or the wildcard that stands for it.
    pub(super) fn no_data(&mut self, answer: &mut Answer<'_>, node: &Node) {
        let name = node.name.to_ascii_lowercase();
        match &self.zone.denial {
            Denial::Unsigned => {}
            Denial::Names(_) => match node.set(Rtype::NSEC) {
                Some(set) => self.give(answer, node, set),
                None => self.not_between_names(answer, &name),
            },
            Denial::Hashes(hashes) => match hashes.matching(&name) {
                Some(link) => self.give_link(answer, hashes, link),
                None => drop(self.closest_encloser(answer, hashes, &name, parent(&name))),
            },
        }
    }

    /// That `name` is not there, nor a wildcard that would stand for it; `encloser` is the last name above it that is.
    pub(super) fn no_name(&mut self, answer: &mut Answer<'_>, name: &[u8], encloser: &Node) {
        let encloser = encloser.name.to_ascii_lowercase();
        let wildcard = [b"\x01*", &encloser[..]].concat();
        match &self.zone.denial {
            Denial::Unsigned => {}
            Denial::Names(_) => {
                self.not_between_names(answer, name);
                self.not_between_names(answer, &wildcard);
            }
            Denial::Hashes(hashes) => {
                let proved = self.closest_encloser(answer, hashes, name, Some(&encloser));
                let wildcard = proved.map_or(wildcard, |proved| [b"\x01*", proved].concat());
                self.give_link(answer, hashes, hashes.covering(&wildcard));
            }
        }
    }

    /// That nothing closer to `name` is there than the wildcard below `encloser`, which has stood for it.
    pub(super) fn nothing_closer(&mut self, answer: &mut Answer<'_>, name: &[u8], encloser: &Node) {
        match &self.zone.denial {
            Denial::Unsigned => {}
            Denial::Names(_) => self.not_between_names(answer, name),
            Denial::Hashes(hashes) => {
                let next = next_closer(name, &encloser.name);
                self.give_link(answer, hashes, hashes.covering(next));
            }
        }
    }

    /// That the wildcard below `encloser` stands for `name` and has no such type.
    pub(super) fn no_wildcard_data(
        &mut self,
        answer: &mut Answer<'_>,
        name: &[u8],
        (wildcard, encloser): (&Node, &Node),
    ) {
        match &self.zone.denial {
            Denial::Hashes(hashes) => {
                let encloser = encloser.name.to_ascii_lowercase();
                self.closest_encloser(answer, hashes, name, Some(&encloser));
            }
            _ => self.nothing_closer(answer, name, encloser),
        }
        self.no_data(answer, wildcard);
    }

    /// The last name above `name` that has a hash in the chain, and that the next one below it has not (RFC 5155,
    /// section 7.2.1). `encloser` is where to begin; in a chain that leaves unsigned delegations out, names that are
    /// there may have none.
    fn closest_encloser<'n>(
        &mut self,
        answer: &mut Answer<'_>,
        hashes: &'z Hashes,
        name: &[u8],
        encloser: Option<&'n [u8]>,
    ) -> Option<&'n [u8]> {
        let mut above = encloser;
        while let Some(encloser) = above {
            if let Some(link) = hashes.matching(encloser) {
                self.give_link(answer, hashes, link);
                self.give_link(answer, hashes, hashes.covering(next_closer(name, encloser)));
                return above;
            }
            above = parent(encloser).filter(|_| encloser != self.zone.apex());
        }
        None
    }

    /// The NSEC record that jumps over `name`.
    fn not_between_names(&mut self, answer: &mut Answer<'_>, name: &[u8]) {
        let Denial::Names(chain) = &self.zone.denial else { return };
        let key = canonical_key(name);
        let after = chain.partition_point(|(other, _)| *other <= key);
        let Some((_, id)) = after.checked_sub(1).and_then(|before| chain.get(before)) else {
            return;
        };
        let node = self.zone.node(*id);
        if let Some(set) = node.set(Rtype::NSEC) {
            self.give(answer, node, set);
        }
    }

    fn give_link(&mut self, answer: &mut Answer<'_>, hashes: &'z Hashes, link: usize) {
        if let Some((_, node)) = hashes.chain.get(link)
            && let Some(set) = node.sets.first()
        {
            self.give(answer, node, set);
        }
    }

    fn give(&mut self, answer: &mut Answer<'_>, node: &Node, set: &RrSet) {
        let identity = std::ptr::from_ref(set).addr();
        if self.given[..self.len].contains(&identity) || self.len == GIVEN_MAX {
            return;
        }
        self.given[self.len] = identity;
        self.len += 1;
        set.push(answer, (Section::Authority, Need::Required), Some(&node.name), true);
    }
}

/// The name one label longer than `encloser`, at or above `name`.
fn next_closer<'n>(name: &'n [u8], encloser: &[u8]) -> &'n [u8] {
    let surplus = label_count(name).saturating_sub(label_count(encloser) + 1);
    let mut next = name;
    for _ in 0..surplus {
        next = parent(next).unwrap_or(next);
    }
    next
}
