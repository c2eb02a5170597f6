//! Zones and questions by chance: whatever is asked of whatever zone, the answer can be read, is no longer than may be, has
//! its sets whole, and nothing in it that is not in the zone.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::base::iana::{Class, Rtype};
use domain::base::name::ToName;
use domain::base::rdata::ComposeRecordData;
use domain::base::{Message, Name};
use domain::rdata::AllRecordData;
use proptest::collection::vec;
use proptest::prelude::*;
use ropewalk_dns::zone::{Authority, Catalogue, Zone, ZoneRecord};

use super::rig::Rig;

/// Few labels, so that names are often each other's parents, wildcards and capitals.
fn label() -> impl Strategy<Value = &'static [u8]> {
    prop::sample::select(vec![&b"a"[..], b"b", b"*", b"A", b"\0.", b"sub"])
}

/// A name at or below `x`, in wire form.
fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(label(), 0..4).prop_map(|labels| {
        let mut name = Vec::new();
        for label in labels.into_iter().chain([&b"x"[..]]) {
            name.push(u8::try_from(label.len()).unwrap());
            name.extend_from_slice(label);
        }
        name.push(0);
        name
    })
}

fn record() -> impl Strategy<Value = ZoneRecord> {
    let data = prop_oneof![
        any::<[u8; 4]>().prop_map(|data| (Rtype::A, data.to_vec())),
        name().prop_map(|name| (Rtype::NS, name)),
        name().prop_map(|name| (Rtype::CNAME, name)),
        name().prop_map(|name| (Rtype::DNAME, name)),
        name().prop_map(|name| (Rtype::MX, [b"\0\x0A", &name[..]].concat())),
        (0u8..200).prop_map(|len| (Rtype::TXT, [vec![len], vec![b't'; len.into()]].concat())),
    ];
    (name(), data).prop_map(|(owner, (rtype, data))| ZoneRecord {
        owner: owner.into(),
        rtype,
        ttl: 60,
        data: data.into(),
        place: None,
    })
}

/// A zone called `x` of those records that may be together.
fn zone(records: Vec<ZoneRecord>) -> Zone {
    let apex = |rtype, data: &[u8]| ZoneRecord {
        owner: b"\x01x\0"[..].into(),
        rtype,
        ttl: 60,
        data: data.into(),
        place: None,
    };
    let soa = [b"\x01a\x01x\0\0".as_slice(), &[0, 0, 0, 9].repeat(5)].concat();
    let mut all = vec![apex(Rtype::SOA, &soa), apex(Rtype::NS, b"\x01a\x01x\0")];
    for record in records {
        all.push(record);
        if Zone::new(b"\x01x\0", all.clone()).is_err() {
            all.pop();
        }
    }
    Zone::new(b"\x01x\0", all).expect("what was left out was what was wrong").0
}

fn question(name: &[u8], rtype: u16, edns: Option<u16>) -> Vec<u8> {
    let mut message = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
    message.extend_from_slice(name);
    message.extend_from_slice(&[rtype.to_be_bytes(), [0, 1]].concat());
    if let Some(size) = edns {
        message.extend_from_slice(b"\0\0\x29");
        message.extend_from_slice(&size.to_be_bytes());
        message.extend_from_slice(b"\0\0\x80\0\0\0");
    }
    message
}

/// The sets of an answer: owner in small letters and type; with how many records.
type Sets = BTreeMap<(Vec<u8>, Rtype), usize>;

fn sets_of(answer: &Message<bytes::Bytes>) -> Sets {
    let mut sets = Sets::new();
    for record in answer.iter() {
        let (record, _) = record.expect("it can be read");
        if record.rtype() == Rtype::OPT {
            continue;
        }
        assert_eq!(record.class(), Class::IN);
        let data = record.to_any_record::<AllRecordData<_, _>>().expect("so can its data");
        data.data().compose_rdata(&mut Vec::new()).expect("a vector has room");
        let owner: Name<Vec<u8>> = record.owner().to_name();
        *sets.entry((owner.as_slice().to_ascii_lowercase(), record.rtype())).or_default() += 1;
    }
    sets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_can_be_read_and_has_whole_sets(
        records in vec(record(), 0..40),
        questions in vec((name(), prop_oneof![Just(1u16), Just(2), Just(5), Just(6), Just(15), Just(16),
            Just(39), Just(43), Just(255), any::<u16>()], any::<Option<u16>>()), 1..20),
    ) {
        let zone = Arc::new(zone(records));
        let mut whole = Sets::new();
        for record in zone.records() {
            *whole.entry((record.owner.to_ascii_lowercase(), record.rtype)).or_default() += 1;
        }
        let catalogue = Catalogue::new();
        catalogue.put(zone);
        let rig = Rig::new(Authority::new(&catalogue));
        for (name, rtype, edns) in questions {
            let answer = rig.ask(&question(&name, rtype, edns));
            let most = edns.map_or(512, |size| usize::from(size.clamp(512, 1232)));
            prop_assert!(answer.as_slice().len() <= most);
            for ((owner, rtype), count) in sets_of(&answer) {
                // What is not there as it is comes of a wildcard or a DNAME; then it is as many as some set is.
                match whole.get(&(owner, rtype)) {
                    Some(all) => prop_assert_eq!(*all, count),
                    None => {
                        let mut sets = whole.iter().filter(|((_, other), _)| *other == rtype);
                        let is_made = rtype == Rtype::CNAME && count == 1;
                        prop_assert!(is_made || sets.any(|(_, all)| *all == count));
                    }
                }
            }
        }
    }
}
