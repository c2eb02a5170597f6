//! What a server says to datagrams.

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_dns::server::{Answer, Need, Query, Responder, Section, ServerSettings, Verdict};

use super::rig::{Rig, query, rcode, shown};

/// Answers with as many sets of one TXT record of 100 bytes as the first label says; the last ones are additional.
pub(crate) struct Texts;

impl Responder for Texts {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let label = usize::from(query.name()[0]);
        let count = std::str::from_utf8(&query.name()[1..=label]).unwrap().parse().unwrap();
        let data = [&[99][..], &[b'x'; 99]].concat();
        for number in 0..count {
            let set = [&data[..], &data[..]];
            let (section, need) = match number {
                0..10 => (Section::Answer, Need::Required),
                _ => (Section::Additional, Need::Optional),
            };
            let (rtype, class, owner) = (Rtype::TXT, Class::IN, query.name());
            answer.push_rrset(section, need, owner, rtype, class, number, set);
        }
        Verdict::Answered
    }
}

fn rig() -> Rig {
    Rig::new(Texts)
}

#[test]
fn what_is_no_query_is_not_answered() {
    let rig = rig();
    let mut answer = query("1.x TXT");
    answer[2] |= 0x80;
    assert!(rig.send(&answer).is_empty(), "an answer");
    for len in 0..12 {
        assert!(rig.send(&query("1.x TXT")[..len]).is_empty(), "{len} bytes");
    }
    assert_eq!(rig.server.counts().ignored, 13);
}

#[test]
fn what_can_not_be_read_is_format_error() {
    let rig = rig();
    let good = query("1.x TXT +do");
    for len in 12..good.len() {
        let answer = rig.ask(&good[..len]);
        assert_eq!(rcode(&answer), OptRcode::FORMERR, "{len} bytes");
        assert_eq!(answer.header().id(), 7);
    }
    let changed = |at: usize, byte: u8| {
        let mut message = good.clone();
        message[at] = byte;
        rcode(&rig.ask(&message))
    };
    assert_eq!(changed(5, 0), OptRcode::FORMERR, "no question");
    assert_eq!(changed(5, 2), OptRcode::FORMERR, "two questions");
    assert_eq!(changed(12, 0xC0), OptRcode::FORMERR, "a pointer in the question");
    assert_eq!(changed(11, 2), OptRcode::FORMERR, "a record that is not there");
    let trailing = [&good[..], b"x"].concat();
    assert_eq!(rcode(&rig.ask(&trailing)), OptRcode::FORMERR, "a byte too many");
    let mut two_opts = [&good[..], &good[good.len() - 11..]].concat();
    two_opts[11] = 2;
    assert_eq!(rcode(&rig.ask(&two_opts)), OptRcode::FORMERR, "two OPT records");
}

#[test]
fn operations_that_are_not_known_are_not_implemented() {
    let rig = rig();
    for opcode in [1, 2, 3, 5, 6, 15] {
        let mut message = query("1.x TXT");
        message[2] = opcode << 3;
        let answer = rig.ask(&message);
        assert_eq!((rcode(&answer), answer.as_slice()[2] >> 3 & 15), (OptRcode::NOTIMP, opcode));
    }
}

#[test]
fn edns_is_answered_with_edns_and_only_then() {
    let rig = rig();
    let plain = rig.ask(&query("1.x TXT"));
    assert!(plain.opt().is_none());
    let answer = rig.ask(&query("1.x TXT +do"));
    let opt = answer.opt().expect("there is one");
    assert!(opt.dnssec_ok());
    assert_eq!((opt.version(), opt.udp_payload_size()), (0, 1232));
    let mut later = query("1.x TXT +do");
    let version_at = later.len() - 5;
    later[version_at] = 1;
    let answer = rig.ask(&later);
    assert_eq!(rcode(&answer), OptRcode::BADVERS);
    assert_eq!(answer.header_counts().ancount(), 0);
    assert_eq!(answer.opt().expect("it says the version").version(), 0);
}

#[test]
fn an_answer_is_as_long_as_it_may_be_and_has_whole_sets() {
    let rig = rig();
    // A set is two records of 112 bytes; a header and a question are 20.
    for (question, sets, truncated) in [
        ("2.x TXT", 2, false),
        ("3.x TXT", 2, true),
        ("3.x TXT +edns=100", 2, true),
        ("5.x TXT +edns=1232", 5, false),
        ("6.x TXT +edns=1232", 5, true),
        ("6.x TXT +edns=65535", 5, true),
    ] {
        let answer = rig.ask(&query(question));
        let expected = (2 * sets, truncated);
        assert_eq!(
            (answer.header_counts().ancount(), answer.header().tc()),
            expected,
            "{question}"
        );
        let most = if question.contains("65535") || question.contains("1232") { 1232 } else { 512 };
        assert!(answer.as_slice().len() <= most, "{question}");
    }
}

#[test]
fn room_is_held_back_only_for_what_comes() {
    let rig = rig();
    // 12 + 9 of the header and the question, 224 for each set, 11 for EDNS.
    let asked = |bytes: u16| rig.ask(&query(&format!("4.x TXT +edns={bytes}"))).header().tc();
    let whole = 21 + 4 * (2 * 112) + 11;
    assert!(!asked(whole) && asked(whole - 1));
}

#[test]
fn what_is_optional_is_left_out_without_a_word() {
    let settings = ServerSettings { udp_bytes_max: 4096, ..ServerSettings::default() };
    let rig = Rig::with_settings(Texts, settings);
    let answer = rig.ask(&query("20.x TXT +edns=4096"));
    assert!(!answer.header().tc());
    assert_eq!(answer.header_counts().ancount(), 20);
    assert!(answer.header_counts().arcount() < 20);
}

#[test]
fn the_header_says_what_was_asked() {
    let rig = rig();
    let mut message = query("1.X TXT +id=4660");
    message[2] |= 1;
    message[3] |= 0x10;
    let answer = rig.ask(&message);
    let header = answer.header();
    assert_eq!((header.id(), header.rd(), header.cd(), header.ra()), (4660, true, true, false));
    assert!(shown(&answer).contains("1.X. 0 TXT"), "the case is kept");
}

#[test]
fn who_asks_which_server_it_is_is_told() {
    let settings = ServerSettings { nsid: Some("pier3".into()), ..ServerSettings::default() };
    let rig = Rig::with_settings(Texts, settings);
    let mut asked = query("1.x TXT +do");
    let length_at = asked.len() - 1;
    asked[length_at] = 4;
    asked.extend_from_slice(&[0, 3, 0, 0]);
    let answer = rig.ask(&asked);
    assert!(answer.as_slice().ends_with(b"\x00\x09\x00\x03\x00\x05pier3"));
    assert!(!rig.ask(&query("1.x TXT +do")).as_slice().ends_with(b"pier3"));
}
