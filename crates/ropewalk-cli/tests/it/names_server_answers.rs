//! `ropewalk dns` answers as bind9 and nsd do: thousands of questions about one zone, compared record by record.
//!
//! Where those two do not agree with each other, we agree with one of them, and the question is left out for the other:
//! see [`Peculiar`].

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::names_peers::{Peer, bind9, dig, nsd, unbound};
use crate::names_server::{NameServer, zone_file};
use crate::program::{Directory, has};

/// A zone with everything that is odd.
fn zone() -> String {
    let many: String = (1..=40).map(|n| format!("many A 10.0.0.{n}\n")).collect();
    include_str!("names_server_answers.zone").to_owned() + &many
}

const NAMES: &str = "@ www web ns mail x.wild a.x.wild *.wild x.*.wild wild ent b.ent a.b.ent \
    c.b.ent z.ent sub x.sub ns.sub a.b.ns.sub sub2 ns1.sub2 uns x.uns uns2 y.uns2 x.y.uns2 dn foo.dn \
    a.b.dn dn2 foo.dn2 ring1 ring2 out dangling host1 host9 _sip._tcp _tcp x._tcp big none a.none WWW \
    wEb x.wc a.b.wc *.wc wc dn3 cn.dn3 x.cn.dn3 zzz 0 \\000 a\\.b to-sub many";

const TYPES: &str =
    "A AAAA NS MX TXT SOA CNAME DNAME DS DNSKEY SRV TYPE65280 NSEC3PARAM HINFO PTR CAA";

/// What a peer does in its own way.
struct Peculiar {
    /// Names whose answers are another choice within the RFCs.
    names: &'static [&'static str],
    /// Whether proofs may have more in them than they need.
    proves_more: bool,
}

/// bind9 says SERVFAIL to a circle of aliases, with the circle in the answer.
const BIND9: Peculiar =
    Peculiar { names: &["ring1.example.", "ring2.example."], proves_more: false };

/// nsd 4.6 gives another NSEC for a wildcard to which a DNAME has led: one that does not jump over the name. It does not
/// jump over a name between others that a chain of hashes leaves out. And it proves for a wildcard that is asked for by its
/// own name that nothing is closer, too.
const NSD: Peculiar = Peculiar { names: &["foo.dn2.example.", "uns2.example."], proves_more: true };

/// The sections of an answer, each record a line in small letters.
#[derive(Debug, Default)]
struct Said {
    question: String,
    header: String,
    answer: BTreeSet<String>,
    authority: BTreeSet<String>,
    additional: BTreeSet<String>,
}

/// What a server says to all questions, asked with these flags of dig.
fn ask_all(directory: &Directory, server: SocketAddr, flags: &[&str]) -> Vec<Said> {
    let names = NAMES.split_whitespace().map(|name| match name {
        "@" => "example".to_owned(),
        name => format!("{name}.example"),
    });
    let names: Vec<String> = names.chain(["other".to_owned()]).collect();
    let lines: Vec<String> = names
        .iter()
        .flat_map(|name| TYPES.split_whitespace().map(move |rtype| format!("{name} {rtype}\n")))
        .collect();
    let file = zone_file(directory, "questions", &lines.concat());
    let arguments = [
        &[
            "+noall",
            "+comments",
            "+question",
            "+answer",
            "+authority",
            "+additional",
            "+norec",
            "+noadflag",
        ],
        &["+ignore", "+nocookie", "+tries=2", "+time=10"][..],
        flags,
        &["-f", &file],
    ];
    let said = parse(&dig(server, &arguments.concat()));
    assert_eq!(said.len(), lines.len(), "each question has an answer");
    said
}

fn parse(text: &str) -> Vec<Said> {
    let (mut all, mut section): (Vec<Said>, &str) = (Vec::new(), "");
    for line in text.lines() {
        if let Some(header) = line.strip_prefix(";; ->>HEADER<<- opcode: QUERY, status: ") {
            let header = header.split(',').next().unwrap_or_default().to_owned();
            all.push(Said { header, ..Said::default() });
            continue;
        }
        let Some(said) = all.last_mut() else { continue };
        if let Some(flags) = line.strip_prefix(";; flags: ") {
            said.header += flags.split(';').next().unwrap_or_default();
        } else if let Some(title) = line.strip_prefix(";; ") {
            section = title.split(' ').next().unwrap_or_default();
        } else if section == "QUESTION" && line.starts_with(';') {
            said.question = line.to_lowercase();
        } else if !line.is_empty() && !line.starts_with(';') {
            let record = line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            match section {
                "ANSWER" => drop(said.answer.insert(record)),
                "AUTHORITY" => drop(said.authority.insert(record)),
                "ADDITIONAL" => drop(said.additional.insert(record)),
                _ => {}
            }
        }
    }
    all
}

/// Whether we say what the peer says.
fn agrees(ours: &Said, theirs: &Said, peculiar: &Peculiar) -> bool {
    if peculiar.names.iter().any(|name| ours.question.starts_with(&format!(";{name}"))) {
        return true;
    }
    // What is in a truncated answer is of no use: we give whole sets, bind9 what fits, nsd nothing.
    if ours.header.contains(" tc") && ours.header == theirs.header {
        return true;
    }
    let is_referral = ours.answer.is_empty() && !ours.header.contains(" aa");
    // We give no signatures of addresses beside a referral, which nobody needs; all else that the peer gives.
    let glue = theirs.additional.iter().filter(|record| !record.contains(" rrsig "));
    let has_glue = !is_referral || glue.clone().all(|record| ours.additional.contains(record));
    let same_authority = ours.authority == theirs.authority
        || peculiar.proves_more && ours.authority.is_subset(&theirs.authority);
    ours.header == theirs.header && ours.answer == theirs.answer && same_authority && has_glue
}

/// How a zone without signatures is asked, and one with them.
const PLAINLY: &[&[&str]] = &[&["+noedns"], &["+edns"], &["+tcp"]];
const SIGNED: &[&[&str]] = &[&["+dnssec"]];

fn compare(
    directory: &Directory,
    (ours, peer): (&NameServer, &Peer),
    peculiar: &Peculiar,
    ways: &[&[&str]],
) {
    for &flags in ways {
        let pairs = ask_all(directory, ours.address, flags).into_iter().zip(ask_all(
            directory,
            peer.address,
            flags,
        ));
        for (ours, theirs) in pairs {
            assert!(
                agrees(&ours, &theirs, peculiar),
                "{flags:?}\nours: {ours:#?}\ntheirs: {theirs:#?}"
            );
        }
    }
}

fn compare_with_both(text: &str, ways: &[&[&str]]) {
    let directories = [(); 3].map(|()| Directory::new());
    let zone = format!("example={}", zone_file(&directories[0], "ours", text));
    let ours = NameServer::start(&["--zone", &zone]);
    let options = "minimal-responses yes; minimal-any yes; zero-no-soa-ttl no; \
                   max-udp-size 1232; check-names primary ignore;";
    let zones = [("example", text)];
    let bind9 = bind9(&directories[1], options, &zones, "");
    compare(&directories[0], (&ours, &bind9), &BIND9, ways);
    let nsd = nsd(&directories[2], "minimal-responses: yes\n", &zones, "");
    compare(&directories[0], (&ours, &nsd), &NSD, ways);
}

/// The zone, signed; `how` is what `dnssec-signzone` is told beside. And the DNSKEY record that is to be trusted.
fn signed(directory: &Directory, how: &[&str]) -> (String, String) {
    let place = directory.path("");
    // A delegation that is signed: the DS is of no key, since nobody follows it.
    let ds = format!("sub DS 12345 13 2 {}\n", "01".repeat(32));
    fs::write(directory.path("unsigned"), format!("{}{ds}", zone())).expect("a file");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&place).stderr(Stdio::null());
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{program} {arguments:?}");
        String::from_utf8(output.stdout).expect("it prints text").trim().to_owned()
    };
    run("dnssec-keygen", &["-a", "ECDSAP256SHA256", "-K", ".", "example"]);
    let key = run("dnssec-keygen", &["-a", "ECDSAP256SHA256", "-f", "KSK", "-K", ".", "example"]);
    let arguments =
        [&["-S", "-K", ".", "-o", "example", "-f", "signed"], how, &["unsigned"]].concat();
    run("dnssec-signzone", &arguments);
    let read = |name: &str| fs::read_to_string(directory.path(name)).expect("it was made");
    let key = read(&format!("{key}.key"));
    let trusted = key.lines().find(|line| !line.starts_with(';')).expect("a record").to_owned();
    (read("signed"), trusted)
}

fn has_all(test: &str, more: &[&str]) -> bool {
    ["named", "nsd", "dig", "dnssec-signzone"].iter().chain(more).all(|name| has(test, name))
}

#[test]
fn a_zone_is_answered_as_bind9_and_nsd_do() {
    if has_all("a_zone_is_answered_as_bind9_and_nsd_do", &[]) {
        compare_with_both(&zone(), PLAINLY);
    }
}

#[test]
fn a_signed_zone_is_answered_as_bind9_and_nsd_do() {
    if !has_all("a_signed_zone_is_answered_as_bind9_and_nsd_do", &[]) {
        return;
    }
    for how in [&[][..], &["-3", "aabb", "-H", "5"], &["-3", "-", "-H", "0", "-A"]] {
        compare_with_both(&signed(&Directory::new(), how).0, SIGNED);
    }
}

/// Questions, and what unbound has to say to them: whether it is sure (ad), and the code.
const SURE: &[(&str, &str, &str)] = &[
    ("www.example", "A", "NOERROR ad"),
    ("x.wild.example", "A", "NOERROR ad"),
    ("x.wild.example", "MX", "NOERROR ad"),
    ("none.example", "A", "NXDOMAIN ad"),
    ("b.ent.example", "A", "NOERROR ad"),
    ("foo.dn2.example", "A", "NOERROR ad"),
    ("x.wc.example", "A", "NOERROR ad"),
    ("sub.example", "DS", "NOERROR ad"),
    ("example", "DNSKEY", "NOERROR ad"),
    ("dangling.example", "A", "NXDOMAIN ad"),
];

#[test]
fn unbound_and_delv_believe_what_is_signed() {
    if !has_all("unbound_and_delv_believe_what_is_signed", &["unbound", "delv"]) {
        return;
    }
    for how in [&[][..], &["-3", "aabb", "-H", "5"], &["-3", "-", "-H", "0", "-A"]] {
        let directories = [(); 2].map(|()| Directory::new());
        let (text, trusted) = signed(&directories[0], how);
        let zone = format!("example={}", zone_file(&directories[0], "ours", &text));
        let ours = NameServer::start(&["--zone", &zone]);
        let server = format!(
            "module-config: \"validator iterator\"\n trust-anchor: \"{trusted}\"\n \
             local-zone: \"example.\" nodefault\n"
        );
        let (ip, port) = (ours.address.ip(), ours.address.port());
        let stub = format!("stub-zone:\n name: \"example\"\n stub-addr: {ip}@{port}\n");
        let unbound = unbound(&directories[1], &server, &stub);
        for (name, rtype, expected) in SURE {
            let said = dig(unbound.address, &[name, rtype, "+dnssec", "+tries=1", "+time=20"]);
            let status = said.split("status: ").nth(1).and_then(|rest| rest.split(',').next());
            let is_sure =
                said.lines().any(|line| line.starts_with(";; flags:") && line.contains(" ad"));
            let got = format!("{}{}", status.unwrap_or("none"), if is_sure { " ad" } else { "" });
            // A chain that leaves delegations out makes nobody sure of what is missing (RFC 5155, section 9.2).
            let may_be_unsure = how.contains(&"-A") && *expected == format!("{got} ad");
            assert!(got == *expected || may_be_unsure, "{how:?} {name} {rtype}\n{said}");
        }
        if !how.contains(&"-A") {
            check_delv(&directories[0], &ours, &trusted);
        }
    }
}

/// delv asks us itself, and checks what we say.
fn check_delv(directory: &Directory, ours: &NameServer, trusted: &str) {
    let words: Vec<&str> = trusted.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "DNSKEY").expect("it is one");
    let anchor = format!(
        "trust-anchors {{ \"example.\" static-key {} \"{}\"; }};\n",
        words[at + 1..at + 4].join(" "),
        words[at + 4..].concat()
    );
    let file = zone_file(directory, "anchor", &anchor);
    let (ip, port) = (ours.address.ip().to_string(), ours.address.port().to_string());
    for (name, rtype) in [("www.example", "A"), ("x.wild.example", "A"), ("none.example", "A")] {
        let arguments =
            [&format!("@{ip}"), "-p", &port, "-a", &file, "+root=example.", name, rtype];
        let output = Command::new("delv").args(arguments).output().expect("delv runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("fully validated"), "{name}: {said}{output:?}");
    }
}
