//! The lookups of each type.

use std::fmt::Debug;

use ropewalk_core::Deferred;
use ropewalk_dns::Resolver;

use crate::fake_server::{Notes, World};

const CONF: &str = "nameserver 192.0.2.1";

/// What a lookup asks for, and what it makes of this record of `x.example`.
fn check<T: 'static, D: Debug>(
    record: &str,
    ask: fn(&Resolver, &str) -> Deferred<Vec<T>>,
    show: fn(&T) -> D,
    shown: &str,
) {
    let (world, asked) = (World::new(), Notes::default());
    let answer = format!("x {record}");
    world.serve("192.0.2.1", asked.before(move |query| query.say(&answer)));
    let found = world.run(ask(&world.resolver(CONF), "x.example")).unwrap();
    let data: Vec<String> = found.iter().map(|one| format!("{:?}", show(one))).collect();
    assert_eq!(data, [shown]);
    let rtype = record.split(' ').next().unwrap();
    assert_eq!(asked.take(), [format!("x.example {rtype}")]);
}

#[test]
fn each_type_is_asked_for_and_taken_apart() {
    check("A 192.0.2.80", Resolver::lookup_address, |ip| *ip, "192.0.2.80");
    check("AAAA 2001:db8::80", Resolver::lookup_ipv6_address, |ip| *ip, "2001:db8::80");
    check("NS ns", Resolver::lookup_nameservers, ToString::to_string, "\"ns.example\"");
    check("CNAME y", Resolver::lookup_canonical_name, ToString::to_string, "\"y.example\"");
    check(
        "MX 10 mail",
        Resolver::lookup_mail_exchange,
        |mx| (mx.preference(), mx.exchange().to_string()),
        "(10, \"mail.example\")",
    );
    check(
        "SOA ns hostmaster 7 2 3 4 5",
        Resolver::lookup_authority,
        |soa| (soa.mname().to_string(), soa.serial().into_int()),
        "(\"ns.example\", 7)",
    );
    check(
        "TXT \"hello \" \"world\"",
        Resolver::lookup_text,
        |txt| txt.text::<Vec<u8>>().escape_ascii().to_string(),
        "\"hello world\"",
    );
    check(
        "SRV 1 2 5222 im",
        Resolver::lookup_service,
        |srv| (srv.priority(), srv.weight(), srv.port(), srv.target().to_string()),
        "(1, 2, 5222, \"im.example\")",
    );
    check(
        "NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" sip",
        Resolver::lookup_naming_authority_pointer,
        |naptr| (naptr.order(), naptr.preference(), naptr.replacement().to_string()),
        "(1, 2, \"sip.example\")",
    );
    check(
        "CAA 0 issue \"ca.example\"",
        Resolver::lookup_certification_authority,
        |caa| caa.tag().to_string(),
        "\"issue\"",
    );
    check(
        "TLSA 3 1 1 ab",
        Resolver::lookup_tls_association,
        |tlsa| tlsa.to_string(),
        "\"3 1 1 ( AB )\"",
    );
    check(
        "SSHFP 4 2 cd",
        Resolver::lookup_ssh_fingerprint,
        |sshfp| sshfp.to_string(),
        "\"4 2 ( CD )\"",
    );
    check("DS 1 13 2 ef", Resolver::lookup_delegation_signer, |ds| ds.key_tag(), "1");
    check("DNSKEY 257 3 13 AQID", Resolver::lookup_key, |key| key.flags(), "257");
}

#[test]
fn bindings_of_services_are_taken_apart() {
    check(
        "SVCB 1 web port=8443",
        Resolver::lookup_service_binding,
        |svcb| (svcb.priority(), svcb.target().to_string()),
        "(1, \"web.example\")",
    );
    check(
        "HTTPS 1 . alpn=h2",
        Resolver::lookup_https,
        |https| (https.priority(), https.target().to_string()),
        "(1, \".\")",
    );
}

#[test]
fn an_address_is_asked_for_backwards() {
    let (world, asked) = (World::new(), Notes::default());
    let answer = "1.2.0.192.in-addr.arpa. PTR www";
    world.serve("192.0.2.1", asked.before(move |query| query.say(answer)));
    let resolver = world.resolver(CONF);
    let names = world.run(resolver.lookup_pointer("192.0.2.1".parse().unwrap())).unwrap();
    assert_eq!(names[0].to_string(), "www.example");
    assert_eq!(asked.take(), ["1.2.0.192.in-addr.arpa PTR"]);
}

#[test]
fn what_is_no_name_is_not_asked_for() {
    let world = World::new();
    let failure = world.run(world.resolver(CONF).lookup_text("a..b")).unwrap_err();
    assert!(failure.to_string().starts_with("\"a..b\" is not a domain name: "), "{failure}");
}

#[test]
fn records_that_are_malformed_for_their_type_are_no_answer() {
    let world = World::new();
    world.serve("192.0.2.1", |query| {
        // An address of five bytes, by way of a type that takes anything.
        let mut answer = query.answer("x TYPE1000 \\# 5 0102030405");
        let at = answer.windows(2).rposition(|pair| pair == 1000_u16.to_be_bytes()).unwrap();
        answer[at..at + 2].copy_from_slice(&[0, 1]);
        query.reply.send(&answer);
    });
    let failure = world.run(world.resolver(CONF).lookup_address("x.example")).unwrap_err();
    assert_eq!(failure.to_string(), "x.example has no A record (asked 192.0.2.1:53 for A)");
}
