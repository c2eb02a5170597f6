//! Whether records make a zone that can be served, and what is odd about them.

use std::collections::HashMap;

use domain::base::iana::Rtype;
use foldhash::fast::RandomState;

use super::problem::{Problem, ProblemKind};
use super::record::ZoneRecord;
use super::zone::{Node, NodeId, problem};

/// Adds to `problems` what is wrong with these nodes. `heaps` are their records by name and type.
pub(super) fn check(
    apex: &[u8],
    nodes: &[Node],
    index: &HashMap<Box<[u8]>, NodeId, RandomState>,
    heaps: &[Vec<ZoneRecord>],
    problems: &mut Vec<Problem>,
) {
    let apex_node = &nodes[0];
    let nowhere = |kind| Problem { place: None, name: apex.into(), kind };
    if apex_node.set(Rtype::SOA).is_none() {
        problems.push(nowhere(ProblemKind::NoSoa));
    }
    if apex_node.set(Rtype::NS).is_none() {
        problems.push(nowhere(ProblemKind::NoNameServer));
    }
    for heap in heaps {
        let id = index.get(&*heap[0].owner.to_ascii_lowercase());
        let Some(&id) = id else { continue };
        let place = (id, &nodes[id as usize]);
        check_set(heap, place, problems);
        if heap[0].rtype == Rtype::NS {
            check_name_servers(heap, nodes, index, problems);
        }
    }
}

fn check_set(heap: &[ZoneRecord], (id, node): (NodeId, &Node), problems: &mut Vec<Problem>) {
    let first = &heap[0];
    let second = || heap.get(1).unwrap_or(first);
    match first.rtype {
        Rtype::SOA if id != 0 => problems.push(problem(first, ProblemKind::StraySoa)),
        Rtype::SOA if heap.len() > 1 => problems.push(problem(second(), ProblemKind::SecondSoa)),
        Rtype::CNAME | Rtype::DNAME if heap.len() > 1 => {
            problems.push(problem(second(), ProblemKind::SecondAlias(first.rtype)));
        }
        _ => {}
    }
    let goes_with_alias =
        [Rtype::CNAME, Rtype::RRSIG, Rtype::NSEC, Rtype::KEY].contains(&first.rtype);
    if !goes_with_alias && node.set(Rtype::CNAME).is_some() {
        problems.push(problem(first, ProblemKind::CnameWithOther(first.rtype)));
    }
    if is_occluded(first.rtype, (id, node)) {
        problems.push(problem(first, ProblemKind::Occluded(first.rtype)));
    }
}

/// Below a delegation there are only addresses, for its name servers; at it what its parent has to say.
fn is_occluded(rtype: Rtype, (id, node): (NodeId, &Node)) -> bool {
    let is_address = [Rtype::A, Rtype::AAAA].contains(&rtype);
    let of_parent = [Rtype::NS, Rtype::DS, Rtype::NSEC, Rtype::RRSIG].contains(&rtype);
    match node.cut {
        Some(cut) if cut == id => !of_parent && !is_address,
        Some(_) => !is_address,
        None => node.dname.is_some(),
    }
}

/// Looks for the addresses of name servers whose names are in the zone.
fn check_name_servers(
    heap: &[ZoneRecord],
    nodes: &[Node],
    index: &HashMap<Box<[u8]>, NodeId, RandomState>,
    problems: &mut Vec<Problem>,
) {
    let apex = nodes[0].name.to_ascii_lowercase();
    for record in heap {
        let target = record.data.to_ascii_lowercase();
        if !crate::wire_name::is_at_or_below(&target, &apex) {
            continue;
        }
        let node = index.get(&*target).map(|&id| &nodes[id as usize]);
        let has = |rtype| node.is_some_and(|node| node.set(rtype).is_some());
        let kind = if has(Rtype::CNAME) {
            ProblemKind::NameServerIsAlias
        } else if has(Rtype::A) || has(Rtype::AAAA) || is_elsewhere(&target, &apex, nodes, index) {
            continue;
        } else {
            ProblemKind::NoAddress
        };
        let place = record.place.clone();
        problems.push(Problem { place, name: record.data.clone(), kind });
    }
}

/// Whether a name's addresses are another zone's affair, or a wildcard's: it is below a delegation that is not its
/// own, or something answers for it.
fn is_elsewhere(
    target: &[u8],
    apex: &[u8],
    nodes: &[Node],
    index: &HashMap<Box<[u8]>, NodeId, RandomState>,
) -> bool {
    let mut name = target;
    while name != apex {
        let Some(above) = crate::wire_name::parent(name) else { return false };
        if let Some(&id) = index.get(above) {
            return nodes[id as usize].wildcard.is_some();
        }
        name = above;
    }
    false
}
