//! Names of which nobody else is asked.

use domain::base::iana::{OptRcode, Rtype};
use ropewalk_dns::{RecursorOptions, reverse_name};

use super::script::tree;
use super::tree::{Tree, shown};

#[test]
fn localhost_is_this_machine() {
    let tree = Tree::bare();
    let recursor = tree.recursor();
    let found = |name: &str, rtype| shown(&tree.find(&recursor, name, rtype).unwrap());
    assert_eq!(found("localhost", Rtype::A), ["localhost a 127.0.0.1"]);
    assert_eq!(found("x.LOCALHOST", Rtype::AAAA), ["x.localhost aaaa ::1"]);
    let mail = tree.find(&recursor, "localhost", Rtype::MX).unwrap();
    assert_eq!((mail.rcode, mail.soa.is_some()), (OptRcode::NOERROR, true));
}

#[test]
fn names_that_mean_nothing_to_others_are_told_to_nobody() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let zone = |name: &str| {
        let nothing = tree.find(&recursor, name, Rtype::PTR).unwrap();
        assert_eq!(nothing.rcode, OptRcode::NXDOMAIN, "{name}");
        nothing.soa.as_ref().unwrap().zone.to_string()
    };
    assert_eq!([zone("a.invalid"), zone("x.y.onion")], ["invalid", "onion"]);
    for (address, of) in [
        ("10.1.2.3", "10.in-addr.arpa"),
        ("172.31.0.1", "31.172.in-addr.arpa"),
        ("192.168.7.7", "168.192.in-addr.arpa"),
        ("100.127.0.1", "127.100.in-addr.arpa"),
        ("fd00::1", "d.f.ip6.arpa"),
        ("fe80::1", "8.e.f.ip6.arpa"),
    ] {
        assert_eq!(zone(&reverse_name(address.parse().unwrap()).to_string()), of);
    }
    let loopback = reverse_name("::1".parse().unwrap()).to_string();
    assert_eq!(tree.find(&recursor, &loopback, Rtype::PTR).unwrap().rcode, OptRcode::NOERROR);
    let soa = tree.find(&recursor, "10.in-addr.arpa", Rtype::SOA).unwrap();
    assert_eq!(soa.records[0].records.rtype(), Rtype::SOA);
    assert_eq!(tree.asked(), [""; 0]);
}

#[test]
fn names_beside_them_are_asked_for() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    for address in ["11.0.0.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "fc00::1", "2001:db9::1"]
    {
        let name = reverse_name(address.parse().unwrap()).to_string();
        tree.find(&recursor, &name, Rtype::PTR).unwrap();
        assert!(!tree.asked().is_empty(), "{address}");
    }
    let options = RecursorOptions { local_names: false, ..RecursorOptions::default() };
    tree.find(&tree.recursor_with(options), "localhost", Rtype::A).unwrap();
    assert!(!tree.asked().is_empty());
}

#[test]
fn aliases_that_lead_to_them_end_here() {
    let tree = tree(|name, _, words| words.alias(name, "x.invalid"));
    let found = tree.find(&tree.recursor(), "a.evil", Rtype::A).unwrap();
    assert_eq!(
        (found.rcode, shown(&found)),
        (OptRcode::NXDOMAIN, vec!["a.evil cname x.invalid.".into()])
    );
}
