//! Zones given away and taken in.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Address, Loop};
use ropewalk_dns::server::{Access, Grant, Server, ServerSettings};
use ropewalk_dns::transfer::{
    Bells, Beside, FetchLimits, IsNew, Notifier, Primary, Secondary, SecondarySettings,
};
use ropewalk_dns::zone::{Authority, AuthoritySettings, Catalogue, SharedZone, read_zone};
use ropewalk_dns::{KeyRing, TsigKey};
use ropewalk_testing::{MemoryClientEndpoint, MemoryDatagramEndpoint, MemoryServerEndpoint};

use super::rig::{Rig, framed, query, rcode, shown};
use domain::base::Message;
use domain::base::iana::OptRcode;

fn zone(serial: u32, lines: &str) -> SharedZone {
    let text = format!("@ 60 SOA ns hm {serial} 100 20 1000 30\n NS ns\nns A 192.0.2.1\n{lines}\n");
    let include = &mut |_: &str, _: &str| Err(String::new());
    let apex = "example".parse().unwrap();
    Arc::new(read_zone(Some(&apex), "", text.as_bytes(), include).unwrap().0)
}

const APEX: &[u8] = b"\x07example\0";

fn key(text: &str) -> TsigKey {
    text.parse().unwrap()
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn evening() -> SystemTime {
    noon() + Duration::from_secs(6 * 3600)
}

/// A primary that gives to everybody, or to who has the key.
fn primary(catalogue: &Catalogue, with: Option<&TsigKey>) -> Rig {
    let transfer_to = match with {
        Some(key) => Access::new(vec![Grant::Key(key.name().into())]),
        None => Access::everybody(),
    };
    let settings = AuthoritySettings { transfer_to, bells: Bells::default() };
    let keys = KeyRing::new(with.into_iter().cloned().collect(), noon);
    let server = ServerSettings { keys, ..ServerSettings::default() };
    Rig::with_settings(Authority::with_settings(catalogue, settings), server)
}

/// Serial numbers that a secondary has noted, and whether they were new.
type Noted = Rc<RefCell<Vec<(u32, IsNew)>>>;

struct Kept {
    catalogue: Catalogue,
    bells: Bells,
    noted: Noted,
}

fn secondary(main_loop: &Loop, key: Option<TsigKey>, calendar: fn() -> SystemTime) -> Kept {
    let (catalogue, bells, noted) = (Catalogue::new(), Bells::default(), Noted::default());
    bells.hang(APEX, Access::everybody());
    let notes = noted.clone();
    let settings = SecondarySettings {
        apex: APEX.into(),
        primaries: vec![Primary { endpoint: Rc::new(MemoryClientEndpoint::new("dns")), key }],
        kept: None,
        on_version: Box::new(move |zone, is_new| {
            notes.borrow_mut().push((zone.soa().serial, is_new))
        }),
        bells: bells.clone(),
        calendar,
        limits: FetchLimits::default(),
        beside: Beside::at_once(),
    };
    drop(Secondary::start(main_loop.reactor(), &catalogue, settings));
    Kept { catalogue, bells, noted }
}

fn all(zone: &SharedZone) -> Vec<String> {
    let mut all: Vec<_> = zone.records().map(|record| format!("{record:?}")).collect();
    all.sort();
    all
}

#[test]
fn a_secondary_has_the_zone_and_then_what_has_changed() {
    let catalogue = Catalogue::new();
    let many: String =
        (0..5000).map(|n| format!("host{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    catalogue.put(zone(1, &many));
    let rig = primary(&catalogue, None);
    let kept = secondary(&rig.main_loop, None, noon);
    assert!(kept.catalogue.zone(APEX).is_none());
    rig.run_for(Duration::from_secs(1));
    assert_eq!(all(&kept.catalogue.zone(APEX).unwrap()), all(&catalogue.zone(APEX).unwrap()));

    // Nobody says that there is a newer one: it is found when the SOA says so.
    catalogue.put(zone(2, &many.replace("host77 ", "host-77 ")));
    rig.run_for(Duration::from_secs(98));
    assert_eq!(kept.catalogue.zone(APEX).unwrap().soa().serial, 1);
    rig.run_for(Duration::from_secs(2));
    assert_eq!(all(&kept.catalogue.zone(APEX).unwrap()), all(&catalogue.zone(APEX).unwrap()));
    rig.run_for(Duration::from_secs(101));
    assert_eq!(*kept.noted.borrow(), [(1, IsNew::Yes), (2, IsNew::Yes), (2, IsNew::No)]);
}

#[test]
fn a_note_brings_the_newer_version_at_once() {
    let catalogue = Catalogue::new();
    catalogue.put(zone(1, ""));
    let rig = primary(&catalogue, None);
    let kept = secondary(&rig.main_loop, None, noon);
    let settings = AuthoritySettings { bells: kept.bells.clone(), ..AuthoritySettings::default() };
    let authority = Authority::with_settings(&kept.catalogue, settings);
    let listener = Server::new(authority, ServerSettings::default());
    let reactor = rig.main_loop.reactor();
    let opened = reactor.open(&MemoryDatagramEndpoint::new("secondary"), listener.datagrams());
    rig.main_loop.run_until(opened).unwrap();
    let targets = vec![Address::Named("secondary".into()), Address::Named("nobody".into())];
    let from = MemoryDatagramEndpoint::new("from");
    let (notifier, opened) = Notifier::open(reactor, &from, targets, 65_535);
    rig.main_loop.run_until(opened).unwrap();
    rig.run_for(Duration::from_secs(1));

    catalogue.put(zone(2, "new A 192.0.2.7"));
    notifier.notify(&catalogue.zone(APEX).unwrap());
    rig.run_for(Duration::from_secs(1));
    assert_eq!(kept.catalogue.zone(APEX).unwrap().soa().serial, 2);
    assert_eq!(notifier.waiting(), 1, "one of them does not hear");
    rig.run_for(Duration::from_secs(70));
    assert_eq!(notifier.waiting(), 0, "and is given up");
}

#[test]
fn what_is_signed_wrong_is_refused_and_what_is_signed_right_is_not() {
    let right = key("hmac-sha512:k.example:c2VjcmV0IGVub3VnaA==");
    let catalogue = Catalogue::new();
    catalogue.put(zone(1, "a A 192.0.2.2"));
    let rig = primary(&catalogue, Some(&right));
    let came = |key: Option<TsigKey>, calendar| {
        let kept = secondary(&rig.main_loop, key, calendar);
        rig.run_for(Duration::from_secs(1));
        kept.catalogue.zone(APEX).is_some()
    };
    assert!(came(Some(right.clone()), noon));
    assert!(!came(None, noon), "not signed");
    assert!(!came(Some(key("hmac-sha512:k.example:b3RoZXI=")), noon), "another secret");
    assert!(
        !came(Some(key("hmac-sha512:other.example:c2VjcmV0IGVub3VnaA==")), noon),
        "another key"
    );
    assert!(
        !came(Some(key("hmac-sha256:k.example:c2VjcmV0IGVub3VnaA==")), noon),
        "another algorithm"
    );
    assert!(!came(Some(right), evening), "another time");
}

#[test]
fn a_zone_that_is_too_old_is_not_served() {
    let catalogue = Catalogue::new();
    catalogue.put(zone(1, ""));
    let rig = primary(&catalogue, None);
    let kept = secondary(&rig.main_loop, None, noon);
    rig.run_for(Duration::from_secs(1));
    catalogue.remove(APEX);
    rig.run_for(Duration::from_secs(995));
    assert!(kept.catalogue.zone(APEX).is_some());
    rig.run_for(Duration::from_secs(10));
    assert!(kept.catalogue.zone(APEX).is_none());
    // It is back when the primary is.
    catalogue.put(zone(1, ""));
    rig.run_for(Duration::from_secs(21));
    assert!(kept.catalogue.zone(APEX).is_some());
}

#[test]
fn a_zone_that_was_kept_serves_until_it_is_too_old() {
    let rig = primary(&Catalogue::new(), None);
    for (age, serves) in [(500, true), (999, true), (1000, false)] {
        let (catalogue, apex) = (Catalogue::new(), APEX.into());
        let settings = SecondarySettings {
            apex,
            primaries: Vec::new(),
            kept: Some((zone(1, ""), Duration::from_secs(age))),
            on_version: Box::new(|_, _| ()),
            bells: Bells::default(),
            calendar: noon,
            limits: FetchLimits::default(),
            beside: Beside::at_once(),
        };
        let secondary = Secondary::start(rig.main_loop.reactor(), &catalogue, settings);
        assert_eq!(catalogue.zone(APEX).is_some(), serves, "{age}");
        secondary.stop();
    }
}

#[test]
fn who_is_not_allowed_gets_no_zone_and_rings_no_bell() {
    let catalogue = Catalogue::new();
    catalogue.put(zone(1, ""));
    let rig = Rig::new(Authority::new(&catalogue));
    assert_eq!(rig.answer("example AXFR"), "REFUSED;  |  | ");
    let mut note = query("example SOA");
    note[2] = 0x24;
    assert_eq!(rcode(&rig.ask(&note)), OptRcode::REFUSED);
}

#[test]
fn over_datagrams_a_transfer_is_truncated_or_its_soa() {
    let catalogue = Catalogue::new();
    catalogue.put(zone(5, ""));
    let rig = primary(&catalogue, None);
    assert_eq!(rig.answer("example AXFR"), "NOERROR tc;  |  | ");
    assert_eq!(rcode(&rig.ask(&query("example IXFR"))), OptRcode::FORMERR, "it has no serial");
    assert_eq!(rig.answer("a.example AXFR"), "NOTAUTH;  |  | ");
    let mut asked = query("example IXFR");
    asked[9] = 1;
    let numbers = [3, 0, 0, 0, 0].map(u32::to_be_bytes).concat();
    asked.extend_from_slice(&[0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
    asked.extend_from_slice(&numbers);
    let soa = "example. 60 SOA ns.example. hm.example. 5 100 20 1000 30";
    assert_eq!(shown(&rig.ask(&asked)), format!("NOERROR aa; {soa} |  | "));
}

#[test]
fn a_primary_that_says_nothing_is_asked_again() {
    let rig = Rig::new(Authority::new(&Catalogue::new()));
    let reactor = rig.main_loop.reactor();
    let asked = Rc::new(Cell::new(0));
    let count = asked.clone();
    let deaf = move || {
        count.set(count.get() + 1);
        Deaf
    };
    rig.main_loop.run_until(reactor.listen(&MemoryServerEndpoint::new("deaf"), deaf)).unwrap();
    let settings = SecondarySettings {
        apex: APEX.into(),
        primaries: vec![Primary {
            endpoint: Rc::new(MemoryClientEndpoint::new("deaf")),
            key: None,
        }],
        kept: None,
        on_version: Box::new(|_, _| ()),
        bells: Bells::default(),
        calendar: noon,
        limits: FetchLimits::default(),
        beside: Beside::at_once(),
    };
    drop(Secondary::start(reactor, &Catalogue::new(), settings));
    rig.run_for(Duration::from_secs(34));
    assert_eq!(asked.get(), 1, "it is waited for");
    rig.run_for(Duration::from_secs(2));
    assert_eq!(asked.get(), 2);
}

struct Deaf;

impl ropewalk_core::Protocol for Deaf {}

#[test]
fn messages_are_as_full_as_they_can_be() {
    let catalogue = Catalogue::new();
    let many: String =
        (0..20_000).map(|n| format!("host{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    catalogue.put(zone(1, &many));
    let rig = primary(&catalogue, None);
    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("example AXFR")));
    rig.run_for(Duration::from_secs(1));
    let heard = heard.borrow();
    let sizes: Vec<usize> = heard.iter().map(Vec::len).collect();
    assert!(sizes[..sizes.len() - 1].iter().all(|&size| size > 65_400), "{sizes:?}");
    let counts = heard.iter().map(|message| {
        usize::from(Message::from_octets(message.clone()).unwrap().header_counts().ancount())
    });
    assert_eq!(counts.sum::<usize>(), 20_000 + 2 + 2);
}

#[test]
fn a_transfer_that_nobody_reads_comes_to_an_end() {
    let catalogue = Catalogue::new();
    let many: String =
        (0..20_000).map(|n| format!("host{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    catalogue.put(zone(1, &many));
    let rig = primary(&catalogue, None);
    let (transport, _) = rig.connect();
    transport.write(&framed(&query("example AXFR")));
    transport.pause_producing();
    rig.run_for(Duration::from_secs(20));
    assert_eq!(rig.server.replies_waiting(), 1, "it may be slow");
    rig.run_for(Duration::from_secs(50));
    assert_eq!(rig.server.replies_waiting(), 0);
}

/// Says NOTIMP to IXFR, and gives a small zone to AXFR.
struct Old;

impl ropewalk_dns::server::Responder for Old {
    fn respond(
        &self,
        query: &ropewalk_dns::server::Query<'_>,
        answer: &mut ropewalk_dns::server::Answer<'_>,
    ) -> ropewalk_dns::server::Verdict {
        use domain::base::iana::{Class, Rtype};
        use ropewalk_dns::server::{Need, Section, Verdict};
        if query.rtype() == Rtype::IXFR {
            answer.set_rcode(OptRcode::NOTIMP);
            return Verdict::Answered;
        }
        let zone = zone(9, "");
        let soa = zone.soa_record();
        let rest = zone.records().filter(|record| record.rtype != Rtype::SOA);
        for record in std::iter::once(soa).chain(rest).chain([soa]) {
            let (section, need) = (Section::Answer, Need::Required);
            let (owner, rtype, ttl) = (record.owner, record.rtype, record.ttl);
            answer.push_rrset(section, need, owner, rtype, Class::IN, ttl, [record.data]);
        }
        Verdict::Answered
    }
}

#[test]
fn a_primary_that_does_not_know_differences_is_asked_for_the_zone() {
    let rig = Rig::new(Old);
    let (catalogue, endpoint) = (Catalogue::new(), Rc::new(MemoryClientEndpoint::new("dns")));
    let settings = SecondarySettings {
        apex: APEX.into(),
        primaries: vec![Primary { endpoint, key: None }],
        kept: Some((zone(1, "gone A 192.0.2.9"), Duration::ZERO)),
        on_version: Box::new(|_, _| ()),
        bells: Bells::default(),
        calendar: noon,
        limits: FetchLimits::default(),
        beside: Beside::at_once(),
    };
    drop(Secondary::start(rig.main_loop.reactor(), &catalogue, settings));
    rig.run_for(Duration::from_secs(1));
    assert_eq!(all(&catalogue.zone(APEX).unwrap()), all(&zone(9, "")));
}

#[test]
fn a_zone_that_is_too_large_is_not_taken() {
    let catalogue = Catalogue::new();
    let many: String = (0..1000).map(|n| format!("host{n} TXT \"{n}\"\n")).collect();
    catalogue.put(zone(1, &many));
    let rig = primary(&catalogue, None);
    for (zone_bytes_max, comes) in [(10_000, false), (1_000_000, true)] {
        let ours = Catalogue::new();
        let settings = SecondarySettings {
            apex: APEX.into(),
            primaries: vec![Primary {
                endpoint: Rc::new(MemoryClientEndpoint::new("dns")),
                key: None,
            }],
            kept: None,
            on_version: Box::new(|_, _| ()),
            bells: Bells::default(),
            calendar: noon,
            limits: FetchLimits { zone_bytes_max, ..FetchLimits::default() },
            beside: Beside::at_once(),
        };
        let secondary = Secondary::start(rig.main_loop.reactor(), &ours, settings);
        rig.run_for(Duration::from_secs(1));
        assert_eq!(ours.zone(APEX).is_some(), comes);
        secondary.stop();
    }
}
