//! `ropewalk lookup` against Debian's name servers, compared with `dig`.

use std::process::{Command, Output};

use crate::names_peers::{Peer, bind9, certificate, dig, free_address, nsd, unbound};
use crate::program::{Directory, has, ropewalk};

const ZONE: &str = r#"$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.80
www A 192.0.2.81
www AAAA 2001:db8::80
@ MX 10 mail
@ MX 20 mail.other.
@ TXT "hello" "wor\"ld;" "( x )"
_sip._udp SRV 1 2 5060 www
@ CAA 0 issue "ca.example"
@ NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp
s SVCB 1 www port=8443 alpn=h2,h3 ipv4hint=192.0.2.80
h HTTPS 1 . alpn=h2
_443._tcp TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ssh SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
sub NS ns.sub
ns.sub A 192.0.2.54
sub DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
key DNSKEY 257 3 13 AQIDBAUGBwgJAAECAwQFBgcICQABAgMEBQYHCAkAAQIDBAUGBwgJAAECAwQFBgcICQABAgMEBQYHCAkAAQIDBA==
odd TYPE65280 \# 4 01020304
web CNAME www
deep CNAME web
"#;

const QUESTIONS: &[[&str; 2]] = &[
    ["www.example", "A"],
    ["www.example", "AAAA"],
    ["example", "MX"],
    ["example", "TXT"],
    ["example", "SOA"],
    ["example", "NS"],
    ["_sip._udp.example", "SRV"],
    ["example", "CAA"],
    ["example", "NAPTR"],
    ["s.example", "SVCB"],
    ["h.example", "HTTPS"],
    ["_443._tcp.example", "TLSA"],
    ["ssh.example", "SSHFP"],
    ["sub.example", "DS"],
    ["key.example", "DNSKEY"],
    ["odd.example", "TYPE65280"],
    ["deep.example", "A"],
    ["deep.example", "CNAME"],
];

/// The zone, and a name with more addresses than a datagram holds.
fn zone() -> String {
    let many = (1..=90).map(|last| format!("many A 198.51.100.{last}\n"));
    ZONE.to_owned() + &many.collect::<String>()
}

/// bind9 and nsd with the zone, and unbound that asks nsd.
struct Lab {
    bind9: Peer,
    nsd: Peer,
    unbound: Peer,
    directories: [Directory; 3],
}

impl Lab {
    fn new(test: &str) -> Option<Self> {
        let programs = ["named", "nsd", "unbound", "dig", "openssl"];
        if !programs.iter().all(|name| has(test, name)) {
            return None;
        }
        let directories = [(); 3].map(|()| Directory::new());
        let zone = zone();
        let zones = [("example", zone.as_str())];
        let bind9 = bind9(&directories[0], "", &zones, "");
        directories[1..].iter().for_each(certificate);
        let nsd = nsd(&directories[1], "", &zones, "");
        let at = format!("{}@{}", nsd.address.ip(), nsd.address.port());
        let stub = format!("stub-zone:\n name: \"example\"\n stub-addr: {at}\n");
        let unbound = unbound(&directories[2], "", &stub);
        Some(Self { bind9, nsd, unbound, directories })
    }
}

fn lookup(server: std::net::SocketAddr, arguments: &[&str]) -> Output {
    let server = format!("@{server}");
    let arguments = [&["lookup", &server, "--timeout", "20"], arguments].concat();
    ropewalk(&arguments).output().expect("it runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Lines in order, without the spaces, quotes and letters of which there are two ways.
fn comparable(text: &str) -> Vec<String> {
    let plain = |line: &str| line.replace([' ', '"'], "").to_ascii_lowercase();
    let mut lines: Vec<String> = text.lines().map(plain).collect();
    lines.sort();
    lines
}

#[test]
fn each_type_is_answered_as_dig_has_it() {
    let Some(lab) = Lab::new("each_type_is_answered_as_dig_has_it") else { return };
    for peer in [&lab.bind9, &lab.nsd, &lab.unbound] {
        for question in QUESTIONS {
            let digs = dig(peer.address, &[&question[..], &["+short", "+time=20"]].concat());
            let ours = lookup(peer.address, &[&question[..], &["--short"]].concat());
            assert_eq!(comparable(&text(&ours)), comparable(&digs), "{question:?}");
            let said = peer.log();
            assert!(!digs.is_empty() && ours.status.success(), "{question:?} {said}");
        }
    }
}

#[test]
fn what_is_too_long_for_a_datagram_comes_by_tcp() {
    let Some(lab) = Lab::new("what_is_too_long_for_a_datagram_comes_by_tcp") else { return };
    for peer in [&lab.bind9, &lab.nsd, &lab.unbound] {
        for extra in [&[][..], &["--tcp"]] {
            let told = lookup(peer.address, &[&["many.example", "--short"], extra].concat());
            assert_eq!(text(&told).lines().count(), 90, "{}", peer.log());
        }
    }
}

#[test]
fn what_is_not_there_is_told_by_the_status() {
    let Some(lab) = Lab::new("what_is_not_there_is_told_by_the_status") else { return };
    for peer in [&lab.bind9, &lab.nsd, &lab.unbound] {
        let none = lookup(peer.address, &["none.example"]);
        assert!(text(&none).contains("status: NXDOMAIN"), "{}", text(&none));
        assert!(text(&none).contains("\tSOA\t"), "{}", text(&none));
        let empty = lookup(peer.address, &["www.example", "MX", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&text(&empty)).expect("JSON");
        assert_eq!((&json["rcode"], &json["answers"]), (&"NOERROR".into(), &serde_json::json!([])));
        assert_eq!([none, empty].map(|told| told.status.code()), [Some(1), Some(1)]);
    }
    let refused = lookup(lab.nsd.address, &["www.other", "--short"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let expected = format!("ropewalk: {} refuses to answer www.other A\n", lab.nsd.address);
    assert_eq!((said, refused.status.code()), (expected, Some(1)));
}

#[test]
fn a_server_over_tls_must_be_who_it_says() {
    let Some(lab) = Lab::new("a_server_over_tls_must_be_who_it_says") else { return };
    for (peer, directory) in [(&lab.nsd, &lab.directories[1]), (&lab.unbound, &lab.directories[2])]
    {
        let ask = |name: &str, trusted: bool| {
            let server = format!("@{}", peer.tls);
            let arguments = ["lookup", &server, "www.example", "--tls", name, "--tries", "1"];
            let mut command: Command = ropewalk(&arguments);
            if trusted {
                command.env("SSL_CERT_FILE", directory.path("dns.pem"));
            }
            command.output().expect("it runs")
        };
        let right = ask("dns.example", true);
        assert!(text(&right).contains("\tA\t192.0.2.80\n"), "{right:?}");
        assert!(text(&right).contains("(TLS)"), "{right:?}");
        for wrong in [ask("other.example", true), ask("dns.example", false)] {
            assert_eq!((wrong.status.code(), text(&wrong)), (Some(9), String::new()));
        }
    }
}

#[test]
fn silence_has_a_status_of_its_own() {
    let nobody = free_address();
    let server = format!("@{nobody}");
    let arguments = ["lookup", &server, "www.example", "--timeout", "1", "--tries", "1"];
    let silent = ropewalk(&arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&silent.stderr).into_owned();
    let expected = format!("ropewalk: no answer to www.example A in 1s; asked {nobody}\n");
    assert_eq!((said, silent.status.code()), (expected, Some(9)));
}

#[test]
fn what_is_asked_wrongly_is_told() {
    for (arguments, said) in [
        (&["www.example", "NONSENSE"][..], "\"NONSENSE\" is not a type"),
        (&["a..b"], "\"a..b\" is no name: "),
        (&["a.example", "A", "b.example"], "\"b.example\" is one word too many"),
        (&["MX"], "the name is missing"),
        (&["www.example", "@127.0.0.1:x"], "\"127.0.0.1:x\" has no port"),
    ] {
        let wrong = ropewalk(&[&["lookup"], arguments].concat()).output().expect("it runs");
        let text = String::from_utf8_lossy(&wrong.stderr).into_owned();
        assert!(text.starts_with(&format!("ropewalk: {said}")), "{text}");
        assert_eq!(wrong.status.code(), Some(2));
    }
}
