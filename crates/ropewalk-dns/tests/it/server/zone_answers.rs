//! What a zone answers.

use std::sync::Arc;

use ropewalk_dns::zone::{Authority, Catalogue, read_zone};

use super::rig::Rig;

const ZONE: &str = "
$TTL 60
@        SOA   ns hostmaster 1 3600 600 86400 30
         NS    ns
         NS    ns.other.
         MX    10 mail
ns       A     192.0.2.1
         AAAA  2001:db8::1
mail     A     192.0.2.2
www      CNAME web
web      A     192.0.2.3
*.wild   A     192.0.2.4
         TXT   \"w\"
below.here.wild TXT \"blocks\"
a.b.ent  TXT   \"deep\"
sub      NS    ns.sub
         NS    ns.side
         DS    1 13 2 00
ns.sub   A     192.0.2.5
side     NS    ns.side
ns.side  A     192.0.2.6
dn       DNAME elsewhere.test.
dnw      DNAME wild
*.cw     CNAME web
ring     CNAME ring2
ring2    CNAME ring
away     CNAME www.test.
nowhere  CNAME nothing
to-sub   CNAME x.sub
_x._tcp  SRV   0 5 5060 mail
";

const SOA: &str = "example. 30 SOA ns.example. hostmaster.example. 1 3600 600 86400 30";

/// Answers from one zone, `example.`.
fn rig_with(text: &str) -> Rig {
    let include = &mut |_: &str, _: &str| Err("no files here".to_owned());
    let apex = "example".parse().unwrap();
    let (zone, _) = read_zone(Some(&apex), "test", text.as_bytes(), include).unwrap();
    let catalogue = Catalogue::new();
    catalogue.put(Arc::new(zone));
    Rig::new(Authority::new(&catalogue))
}

#[track_caller]
fn check(rig: &Rig, question: &str, answer: &str) {
    let got = rig.answer(question);
    assert_eq!(got, answer.replace("SOA!", SOA), "{question}");
}

#[test]
fn a_name_is_answered_with_what_it_has() {
    let rig = rig_with(ZONE);
    check(&rig, "web.example A", "NOERROR aa; web.example. 60 A 192.0.2.3 |  | ");
    check(&rig, "www.example CNAME", "NOERROR aa; www.example. 60 CNAME web.example. |  | ");
    let mail = "mail.example. 60 A 192.0.2.2";
    check(&rig, "example MX", &format!("NOERROR aa; example. 60 MX 10 mail.example. |  | {mail}"));
    check(
        &rig,
        "_x._tcp.example SRV",
        &format!("NOERROR aa; _x._tcp.example. 60 SRV 0 5 5060 mail.example |  | {mail}"),
    );
    check(
        &rig,
        "example NS",
        "NOERROR aa; example. 60 NS ns.example., example. 60 NS ns.other. |  | \
         ns.example. 60 A 192.0.2.1, ns.example. 60 AAAA 2001:db8::1",
    );
}

#[test]
fn what_is_asked_in_capitals_is_answered_in_capitals() {
    let rig = rig_with(ZONE);
    check(&rig, "wEb.ExAmPlE A", "NOERROR aa; wEb.ExAmPlE. 60 A 192.0.2.3 |  | ");
}

#[test]
fn what_is_not_there_is_denied_for_no_longer_than_the_minimum() {
    let rig = rig_with(ZONE);
    check(&rig, "web.example AAAA", "NOERROR aa;  | SOA! | ");
    check(&rig, "none.example A", "NXDOMAIN aa;  | SOA! | ");
    check(&rig, "x.web.example A", "NXDOMAIN aa;  | SOA! | ");
}

#[test]
fn a_name_between_others_is_there_without_data() {
    let rig = rig_with(ZONE);
    check(&rig, "b.ent.example TXT", "NOERROR aa;  | SOA! | ");
    check(&rig, "ent.example A", "NOERROR aa;  | SOA! | ");
    check(&rig, "c.ent.example A", "NXDOMAIN aa;  | SOA! | ");
}

#[test]
fn a_wildcard_stands_for_what_is_not_there() {
    let rig = rig_with(ZONE);
    check(&rig, "x.wild.example A", "NOERROR aa; x.wild.example. 60 A 192.0.2.4 |  | ");
    check(&rig, "x.y.wild.example A", "NOERROR aa; x.y.wild.example. 60 A 192.0.2.4 |  | ");
    check(&rig, "x.wild.example AAAA", "NOERROR aa;  | SOA! | ");
    check(&rig, "*.wild.example A", "NOERROR aa; *.wild.example. 60 A 192.0.2.4 |  | ");
    // RFC 4592, section 2.2.1: not for the name itself, nor below a name that is there.
    check(&rig, "wild.example A", "NOERROR aa;  | SOA! | ");
    check(&rig, "here.wild.example A", "NOERROR aa;  | SOA! | ");
    check(&rig, "x.here.wild.example A", "NXDOMAIN aa;  | SOA! | ");
    check(&rig, "x.*.wild.example A", "NXDOMAIN aa;  | SOA! | ");
}

#[test]
fn an_alias_is_followed_in_the_zone() {
    let rig = rig_with(ZONE);
    check(
        &rig,
        "www.example A",
        "NOERROR aa; web.example. 60 A 192.0.2.3, www.example. 60 CNAME web.example. |  | ",
    );
    check(
        &rig,
        "x.cw.example A",
        "NOERROR aa; web.example. 60 A 192.0.2.3, x.cw.example. 60 CNAME web.example. |  | ",
    );
    check(&rig, "away.example A", "NOERROR aa; away.example. 60 CNAME www.test. |  | ");
    // RFC 6604: the code is that of the last name.
    check(
        &rig,
        "nowhere.example A",
        "NXDOMAIN aa; nowhere.example. 60 CNAME nothing.example. | SOA! | ",
    );
    check(
        &rig,
        "to-sub.example A",
        "NOERROR aa; to-sub.example. 60 CNAME x.sub.example. | \
         sub.example. 60 NS ns.side.example., sub.example. 60 NS ns.sub.example. | \
         ns.side.example. 60 A 192.0.2.6, ns.sub.example. 60 A 192.0.2.5",
    );
}

#[test]
fn a_circle_of_aliases_is_given_once() {
    let rig = rig_with(ZONE);
    check(
        &rig,
        "ring.example A",
        "NOERROR aa; ring.example. 60 CNAME ring2.example., \
         ring2.example. 60 CNAME ring.example. |  | ",
    );
}

#[test]
fn a_delegation_refers_to_its_servers_with_their_addresses() {
    let rig = rig_with(ZONE);
    let referral = "sub.example. 60 NS ns.side.example., sub.example. 60 NS ns.sub.example. | \
                    ns.side.example. 60 A 192.0.2.6, ns.sub.example. 60 A 192.0.2.5";
    for question in ["sub.example A", "sub.example NS", "x.y.sub.example A", "ns.sub.example A"] {
        check(&rig, question, &format!("NOERROR;  | {referral}"));
    }
    // RFC 4035, section 3.1.4.1: the parent answers for the DS.
    check(&rig, "sub.example DS", "NOERROR aa; sub.example. 60 DS 1 13 2 00 |  | ");
    check(&rig, "side.example DS", "NOERROR aa;  | SOA! | ");
}

#[test]
fn what_is_below_a_dname_is_renamed() {
    let rig = rig_with(ZONE);
    check(
        &rig,
        "x.dn.example A",
        "NOERROR aa; dn.example. 60 DNAME elsewhere.test., \
         x.dn.example. 60 CNAME x.elsewhere.test. |  | ",
    );
    check(
        &rig,
        "X.dnw.example A",
        "NOERROR aa; X.dnw.example. 60 CNAME X.wild.example., X.wild.example. 60 A 192.0.2.4, \
         dnw.example. 60 DNAME wild.example. |  | ",
    );
    check(&rig, "dn.example A", "NOERROR aa;  | SOA! | ");
    let long = ["x"; 4].map(|x| x.repeat(59)).join(".");
    check(
        &rig,
        &format!("{long}.dn.example A"),
        "YXDOMAIN aa; dn.example. 60 DNAME elsewhere.test. |  | ",
    );
}

#[test]
fn any_is_one_set() {
    let rig = rig_with(ZONE);
    check(&rig, "mail.example ANY", "NOERROR aa; mail.example. 60 A 192.0.2.2 |  | ");
    check(&rig, "x.wild.example ANY", "NOERROR aa; x.wild.example. 60 A 192.0.2.4 |  | ");
    check(&rig, "ent.example ANY", "NOERROR aa;  | SOA! | ");
}

#[test]
fn the_longest_zone_answers_and_no_zone_refuses() {
    let include = &mut |_: &str, _: &str| Err("no files here".to_owned());
    let catalogue = Catalogue::new();
    let child = "@ 60 SOA ns hm 1 1 1 1 30\n NS ns\nns A 192.0.2.9\n";
    for (name, text) in [("example", ZONE), ("sub.example", child)] {
        let apex = name.parse().unwrap();
        let (zone, _) = read_zone(Some(&apex), "test", text.as_bytes(), include).unwrap();
        catalogue.put(Arc::new(zone));
    }
    let rig = Rig::new(Authority::new(&catalogue));
    check(&rig, "ns.sub.example A", "NOERROR aa; ns.sub.example. 60 A 192.0.2.9 |  | ");
    check(&rig, "sub.example DS", "NOERROR aa; sub.example. 60 DS 1 13 2 00 |  | ");
    check(&rig, "example.org A", "REFUSED;  |  | ");
    // A zone that is known and cannot be answered from.
    catalogue.put_absent(b"\x03sub\x07example\0");
    check(&rig, "ns.sub.example A", "SERVFAIL;  |  | ");
    catalogue.remove(b"\x03sub\x07example\0");
    assert!(rig.answer("ns.sub.example A").starts_with("NOERROR;  | sub.example."));
}
