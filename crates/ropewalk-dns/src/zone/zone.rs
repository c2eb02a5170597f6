//! [`Zone`]: the names of a zone and their records, ready to be answered from.
//!
//! It is never changed: another version is another zone, and what is shared between threads needs no lock. All names
//! are in one hash table, in small letters and wire form, with those between them that have no records
//! (empty non-terminals). What the place of a name means is found once: each knows the delegation and the DNAME that it
//! is at or below, and the wildcard below it.

use std::collections::HashMap;
use std::sync::Arc;

use domain::base::iana::Rtype;
use foldhash::fast::RandomState;

use super::denial::Denial;
use super::problem::{Problem, ProblemKind, ZoneError};
use super::record::ZoneRecord;
use super::rrset::RrSet;
use super::soa::Soa;
use crate::wire_name::{is_at_or_below, label_count, parent};

/// One version of a zone.
#[derive(Debug)]
pub struct Zone {
    apex: Box<[u8]>,
    pub(super) nodes: Vec<Node>,
    pub(super) index: HashMap<Box<[u8]>, NodeId, RandomState>,
    soa: Soa,
    /// The SOA as it is in a negative answer: kept for no longer than that something is not there (RFC 2308, section 5).
    pub(super) negative_soa: RrSet,
    pub(super) denial: Denial,
}

/// A place in the list of nodes.
pub(super) type NodeId = u32;

/// A name of the zone.
#[derive(Debug)]
pub(super) struct Node {
    /// As it was first written.
    pub(super) name: Box<[u8]>,
    /// By type.
    pub(super) sets: Vec<RrSet>,
    /// The delegation that it is at or below.
    pub(super) cut: Option<NodeId>,
    /// The name with a DNAME that it is below.
    pub(super) dname: Option<NodeId>,
    /// The wildcard right below it.
    pub(super) wildcard: Option<NodeId>,
}

impl Node {
    fn new(name: &[u8]) -> Self {
        Self { name: name.into(), sets: Vec::new(), cut: None, dname: None, wildcard: None }
    }

    pub(super) fn set(&self, rtype: Rtype) -> Option<&RrSet> {
        self.sets.iter().find(|set| set.rtype == rtype)
    }
}

/// The most nodes of a zone: a [`NodeId`] each. More than memory has room for.
const NODES_MAX: usize = u32::MAX as usize;

impl Zone {
    /// Makes a zone of records. Gives it with what it is warned of.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(apex: &[u8], records: Vec<ZoneRecord>) -> Result<(Self, Vec<Problem>), ZoneError> {
        let apex: Box<[u8]> = apex.to_ascii_lowercase().into();
        let mut problems = Vec::new();
        let zone = Builder::new(apex).build(records, &mut problems);
        match zone {
            Some(zone) if problems.iter().all(Problem::is_warning) => Ok((zone, problems)),
            _ => Err(ZoneError::new(problems)),
        }
    }

    /// Its name, in wire form and small letters.
    pub fn apex(&self) -> &[u8] {
        &self.apex
    }

    /// The numbers of its SOA.
    pub fn soa(&self) -> Soa {
        self.soa
    }

    /// How many names it has, those without records included.
    pub fn names(&self) -> usize {
        self.nodes.len()
    }

    /// All records, the SOA among them, in an order of no meaning.
    pub fn records(&self) -> impl Iterator<Item = RecordRef<'_>> {
        let nodes = self.nodes.iter().chain(self.denial.nodes());
        let all = nodes.flat_map(|node| node.sets.iter().map(move |set| (node, set)));
        all.flat_map(|(node, set)| {
            let signatures = set.signatures.as_deref();
            records_of(node, set)
                .chain(signatures.into_iter().flat_map(|set| records_of(node, set)))
        })
    }

    /// The SOA record.
    pub fn soa_record(&self) -> RecordRef<'_> {
        let (node, set) = (self.apex_node(), self.apex_node().set(Rtype::SOA));
        let set = set.unwrap_or(&self.negative_soa);
        let data = set.data().next().unwrap_or_default();
        RecordRef { owner: &node.name, rtype: Rtype::SOA, ttl: set.ttl, data }
    }

    /// The records of one set, by its number; `None` behind the last. For those who go on where they have stopped.
    pub(crate) fn set_records(
        &self,
        place: SetPlace,
    ) -> Option<(impl Iterator<Item = RecordRef<'_>>, SetPlace)> {
        let node_count = self.nodes.len();
        let node = |index: usize| match index.checked_sub(node_count) {
            None => self.nodes.get(index),
            Some(hashed) => self.denial.node(hashed),
        };
        let SetPlace(mut at, mut set) = place;
        while set >= 2 * node(at)?.sets.len() {
            (at, set) = (at + 1, 0);
        }
        let node = node(at)?;
        let data = &node.sets[set / 2];
        let chosen = if set % 2 == 0 { Some(data) } else { data.signatures.as_deref() };
        let records = chosen.into_iter().flat_map(move |set| records_of(node, set));
        Some((records, SetPlace(at, set + 1)))
    }

    pub(super) fn apex_node(&self) -> &Node {
        &self.nodes[0]
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The node of a name in small letters.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Node> {
        self.index.get(name).map(|&id| self.node(id))
    }
}

/// A set of a zone: the number of its node, and twice its own there, with one more for its signatures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SetPlace(usize, usize);

/// A record of a zone, where it lies.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    /// Whose it is, in wire form, as it was written.
    pub owner: &'a [u8],
    /// Its type.
    pub rtype: Rtype,
    /// Its TTL in seconds.
    pub ttl: u32,
    /// Its data in wire form; the names in it are whole.
    pub data: &'a [u8],
}

impl From<RecordRef<'_>> for ZoneRecord {
    fn from(record: RecordRef<'_>) -> Self {
        let RecordRef { owner, rtype, ttl, data } = record;
        Self { owner: owner.into(), rtype, ttl, data: data.into(), place: None }
    }
}

impl<'a> From<&'a ZoneRecord> for RecordRef<'a> {
    fn from(record: &'a ZoneRecord) -> Self {
        let ZoneRecord { owner, rtype, ttl, data, .. } = record;
        Self { owner, rtype: *rtype, ttl: *ttl, data }
    }
}

fn records_of<'a>(node: &'a Node, set: &'a RrSet) -> impl Iterator<Item = RecordRef<'a>> {
    let (owner, rtype, ttl) = (&*node.name, set.rtype, set.ttl);
    set.data().map(move |data| RecordRef { owner, rtype, ttl, data })
}

/// A zone being made.
struct Builder {
    apex: Box<[u8]>,
    nodes: Vec<Node>,
    index: HashMap<Box<[u8]>, NodeId, RandomState>,
}

/// The records of one name and type, before they are a set.
type Heap = Vec<ZoneRecord>;

impl Builder {
    fn new(apex: Box<[u8]>) -> Self {
        let mut builder = Self { nodes: Vec::new(), index: HashMap::default(), apex };
        let apex = builder.apex.clone();
        builder.insert(&apex);
        builder
    }

    fn build(mut self, records: Vec<ZoneRecord>, problems: &mut Vec<Problem>) -> Option<Zone> {
        let (mut heaps, mut signatures) = (Vec::new(), Vec::new());
        for heap in self.heaps(records, problems) {
            match heap[0].rtype {
                Rtype::RRSIG => signatures.push(heap),
                _ => heaps.push(heap),
            }
        }
        let (chain, heaps): (Vec<_>, Vec<_>) =
            heaps.into_iter().partition(|heap| heap[0].rtype == Rtype::NSEC3);
        for heap in &heaps {
            self.add(heap, problems);
        }
        let mut chain = Self::hashed_nodes(&chain, problems);
        for heap in signatures {
            self.add_signatures(heap, &mut chain, problems);
        }
        self.nodes.iter_mut().for_each(|node| node.sets.sort_by_key(|set| set.rtype.to_int()));
        self.find_places();
        super::check::check(&self.apex, &self.nodes, &self.index, &heaps, problems);
        let soa_set = self.nodes[0].set(Rtype::SOA)?;
        let Some(soa) = soa_set.data().next().and_then(Soa::read) else {
            problems.push(Problem { place: None, name: self.apex, kind: ProblemKind::NoSoa });
            return None;
        };
        let negative_soa = soa_set.with_ttl(soa_set.ttl.min(soa.minimum));
        let denial = Denial::new(&self.apex, &self.nodes, chain, problems);
        let Self { apex, nodes, index } = self;
        Some(Zone { apex, nodes, index, soa, negative_soa, denial })
    }

    /// The records by name and type, each once, in the order of their data; what cannot be in the zone is out.
    fn heaps(&self, records: Vec<ZoneRecord>, problems: &mut Vec<Problem>) -> Vec<Heap> {
        let mut places: HashMap<(Box<[u8]>, u16), usize, RandomState> = HashMap::default();
        let mut heaps: Vec<Heap> = Vec::new();
        for record in records {
            let lower: Box<[u8]> = record.owner.to_ascii_lowercase().into();
            if let Some(kind) = self.why_not(&lower, &record) {
                problems.push(problem(&record, kind));
                continue;
            }
            let next = heaps.len();
            let place = *places.entry((lower, record.rtype.to_int())).or_insert(next);
            match heaps.get_mut(place) {
                Some(heap) => heap.push(record),
                None => heaps.push(vec![record]),
            }
        }
        for heap in &mut heaps {
            heap.sort_by(|one, other| one.data.cmp(&other.data));
            heap.dedup_by(|one, other| one.data == other.data);
        }
        heaps
    }

    fn why_not(&self, lower: &[u8], record: &ZoneRecord) -> Option<ProblemKind> {
        // 0 is reserved, OPT is the wire's, and 128 to 255 are those of questions (RFC 6895, section 3.1).
        let rtype = record.rtype.to_int();
        if rtype == 0 || record.rtype == Rtype::OPT || (128..=255).contains(&rtype) {
            return Some(ProblemKind::NoDataType(record.rtype));
        }
        (!is_at_or_below(lower, &self.apex)).then_some(ProblemKind::OutOfZone)
    }

    fn add(&mut self, heap: &Heap, problems: &mut Vec<Problem>) {
        let id = self.insert(&heap[0].owner);
        let set = set_of(heap, problems);
        self.nodes[id as usize].sets.push(set);
    }

    /// The nodes of NSEC3 records. Their names are hashes, and nobody finds them by asking for them (RFC 5155,
    /// section 7.2.8), so they are not among the others.
    fn hashed_nodes(chain: &[Heap], problems: &mut Vec<Problem>) -> Vec<Node> {
        let node = |heap: &Heap| {
            let sets = vec![set_of(heap, problems)];
            Node { sets, ..Node::new(&heap[0].owner) }
        };
        chain.iter().map(node).collect()
    }

    /// Gives each signature to the set that it covers; those of none are a set of their own.
    fn add_signatures(&mut self, heap: Heap, chain: &mut [Node], problems: &mut Vec<Problem>) {
        let mut by_type: Vec<(u16, Heap)> = Vec::new();
        for record in heap {
            let covered =
                record.data.get(..2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
            match by_type.iter_mut().find(|(rtype, _)| *rtype == covered) {
                Some((_, heap)) => heap.push(record),
                None => by_type.push((covered, vec![record])),
            }
        }
        for (covered, heap) in by_type {
            let covered = Rtype::from_int(covered);
            let owner = &heap[0].owner;
            let node = if covered == Rtype::NSEC3 {
                chain.iter_mut().find(|node| node.name.eq_ignore_ascii_case(owner))
            } else {
                let id = self.index.get(&*owner.to_ascii_lowercase()).copied();
                id.map(|id| &mut self.nodes[id as usize])
            };
            let set = node.and_then(|node| node.sets.iter_mut().find(|set| set.rtype == covered));
            match set {
                Some(set) => set.signatures = Some(Box::new(set_of(&heap, problems))),
                None => self.add(&heap, problems),
            }
        }
    }

    /// The node of a name, and those of all names between it and the apex.
    fn insert(&mut self, name: &[u8]) -> NodeId {
        let lower = name.to_ascii_lowercase();
        if let Some(&id) = self.index.get(&*lower) {
            return id;
        }
        let id = NodeId::try_from(self.nodes.len().min(NODES_MAX)).unwrap_or(NodeId::MAX);
        self.nodes.push(Node::new(name));
        self.index.insert(lower.as_slice().into(), id);
        if lower != *self.apex
            && let Some(parent) = parent(name)
        {
            self.insert(parent);
        }
        id
    }

    /// Finds for each node what it is at or below, from the apex down.
    fn find_places(&mut self) {
        let mut order: Vec<(usize, NodeId)> = self
            .index
            .values()
            .map(|&id| (label_count(&self.nodes[id as usize].name), id))
            .collect();
        order.sort_unstable();
        for (_, id) in order.into_iter().skip(1) {
            let lower = self.nodes[id as usize].name.to_ascii_lowercase();
            let above = parent(&lower).and_then(|parent| self.index.get(parent).copied());
            let Some(above) = above else { continue };
            if lower.starts_with(b"\x01*") {
                self.nodes[above as usize].wildcard = Some(id);
            }
            let over = &self.nodes[above as usize];
            let dname = over.dname.or_else(|| over.set(Rtype::DNAME).map(|_| above));
            let cut = over.cut;
            let node = &mut self.nodes[id as usize];
            node.dname = dname;
            node.cut = cut.or_else(|| node.set(Rtype::NS).map(|_| id));
        }
    }
}

/// A set of them; if their TTLs differ, with the smallest.
fn set_of(heap: &Heap, problems: &mut Vec<Problem>) -> RrSet {
    let ttl = heap.iter().map(|record| record.ttl).min().unwrap_or(0);
    let rtype = heap[0].rtype;
    if let Some(odd) = heap.iter().find(|record| record.ttl != heap[0].ttl) {
        problems.push(problem(odd, ProblemKind::TtlsDiffer(rtype)));
    }
    RrSet::new(rtype, ttl, heap.iter().map(|record| &*record.data))
}

pub(super) fn problem(record: &ZoneRecord, kind: ProblemKind) -> Problem {
    Problem { place: record.place.clone(), name: record.owner.clone(), kind }
}

/// A zone that threads share.
pub type SharedZone = Arc<Zone>;
