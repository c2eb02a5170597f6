//! Who may ask how often, and what is written of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use domain::base::iana::OptRcode;
use ropewalk_core::{Deferred, Resolver};
use ropewalk_dns::server::{Access, Grant, QueryLog, ServerSettings};
use ropewalk_dns::{KeyRing, TsigKey};

use super::datagrams::Texts;
use super::rig::{Rig, query, rcode};

#[test]
fn who_may_not_ask_is_refused() {
    // Peers in memory have no address: they may if anybody may.
    let rig = |grants| {
        let settings = ServerSettings { access: Access::new(grants), ..ServerSettings::default() };
        rcode(&Rig::with_settings(Texts, settings).ask(&query("1.x TXT +do")))
    };
    assert_eq!(rig(Vec::new()), OptRcode::REFUSED);
    assert_eq!(rig(vec![Grant::Key(b"\x01k\0"[..].into())]), OptRcode::REFUSED);
    assert_eq!(rig(vec![Grant::Network("192.0.2.0/24".parse().unwrap())]), OptRcode::NOERROR);
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_250)
}

#[test]
fn a_signature_that_is_no_whole_record_is_malformed() {
    let key: TsigKey = "k:c2VjcmV0".parse().unwrap();
    let keys = KeyRing::new(vec![key], noon);
    let rig = Rig::with_settings(Texts, ServerSettings { keys, ..ServerSettings::default() });
    let mut asked = query("1.x TXT");
    asked[11] = 1;
    asked.extend_from_slice(b"\x01k\0\x00\xFA\x00\xFF\0\0\0\0\x00\x03abc");
    assert_eq!(rcode(&rig.ask(&asked)), OptRcode::FORMERR);
}

/// What was written, and who waits for it to be.
type Written = Rc<RefCell<Vec<(String, Option<Resolver<()>>)>>>;

fn log(written: &Written) -> QueryLog {
    let written = written.clone();
    let write = move |lines: String| {
        let (resolver, done) = Deferred::new();
        written.borrow_mut().push((lines, Some(resolver)));
        done
    };
    QueryLog::new(write, noon)
}

#[test]
fn each_query_is_a_line_and_lines_wait_for_those_before() {
    let written = Written::default();
    let query_log = Some(log(&written));
    let rig = Rig::with_settings(Texts, ServerSettings { query_log, ..ServerSettings::default() });
    rig.ask(&query("1.x TXT +do"));
    rig.ask(&query("2.x TXT"));
    rig.ask(&query("3.x TXT"));
    assert_eq!(written.borrow().len(), 1);
    let resolver = written.borrow_mut()[0].1.take().unwrap();
    resolver.callback(());
    let lines: Vec<String> = written.borrow().iter().map(|written| written.0.clone()).collect();
    assert_eq!(
        lines,
        [
            "1800000000.250 client-2 udp 1.x. IN TXT +do NOERROR\n",
            "1800000000.250 client-2 udp 2.x. IN TXT - NOERROR\n\
             1800000000.250 client-2 udp 3.x. IN TXT - NOERROR\n"
        ]
    );
}

#[test]
fn lines_too_many_are_dropped_and_counted() {
    let written = Written::default();
    let query_log = log(&written);
    let settings =
        ServerSettings { query_log: Some(query_log.clone()), ..ServerSettings::default() };
    let rig = Rig::with_settings(Texts, settings);
    let name = ["1", &"x".repeat(60), &"x".repeat(60), &"x".repeat(60)].join(".");
    let asked = query(&format!("{name} TXT"));
    let mut sent = 0;
    while query_log.dropped() < 3 {
        rig.ask(&asked);
        sent += 1;
        assert!(sent < 20_000);
    }
    let resolver = written.borrow_mut()[0].1.take().unwrap();
    resolver.callback(());
    let written = written.borrow();
    assert!(written[1].0.ends_with("\n# 3 lines were dropped\n") && written[1].0.len() < 1_050_000);
}

/// A question with a cookie.
fn with_cookie(cookie: &[u8]) -> Vec<u8> {
    let mut asked = query("1.x TXT +do");
    let (at, length) = (asked.len() - 1, u8::try_from(cookie.len()).unwrap());
    asked[at] = 4 + length;
    asked.extend_from_slice(&[0, 10, 0, length]);
    asked.extend_from_slice(cookie);
    asked
}

#[test]
fn a_cookie_is_answered_with_one_and_known_again() {
    let rig = Rig::new(Texts);
    let answer = rig.ask(&with_cookie(b"01234567"));
    let (option, cookie) = answer.as_slice().split_last_chunk::<24>().unwrap();
    assert!(option.ends_with(&[0, 10, 0, 24]) && cookie.starts_with(b"01234567"));
    assert_eq!(rcode(&rig.ask(&with_cookie(cookie))), OptRcode::NOERROR);
    for wrong in [&b"0123456"[..], b"012345678", &[b'x'; 41]] {
        assert_eq!(rcode(&rig.ask(&with_cookie(wrong))), OptRcode::FORMERR, "{wrong:?}");
    }
    // Another server's is none of ours, and no harm.
    assert_eq!(rcode(&rig.ask(&with_cookie(&[b'x'; 24]))), OptRcode::NOERROR);
}
