//! The cache in virtual time.

use domain::base::iana::{Class, Rcode};
use domain::base::{Message, MessageBuilder};
use domain::rdata::AllRecordData;

use super::*;

/// Records as in a zone file, through a message, as they come.
fn message(text: &str) -> Message<Bytes> {
    use domain::zonefile::inplace::{Entry, Zonefile};
    let mut zone = Zonefile::from(format!("{text}\n").as_str());
    zone.set_origin("example.".parse().expect("a name"));
    zone.set_default_class(Class::IN);
    let query = MessageBuilder::new_vec().question().into_message();
    let answer = MessageBuilder::new_vec().start_answer(&query, Rcode::NOERROR);
    let mut answer = answer.expect("there is room");
    while let Some(entry) = zone.next_entry().expect("a zone file") {
        if let Entry::Record(record) = entry {
            answer.push(record).expect("there is room");
        }
    }
    Message::from_octets(Bytes::from(answer.finish())).expect("a message")
}

fn set(rtype: Rtype, text: &str) -> RecordSet {
    let message = message(text);
    let records = message.answer().expect("a section").map(|record| record.expect("a record"));
    RecordSet::from_records(rtype, records).expect("there are some")
}

fn soa(ttl: u32, minimum: u32) -> Soa {
    let text = format!("@ {ttl} SOA ns hostmaster 1 2 3 4 {minimum}");
    Soa { zone: name("example"), record: set(Rtype::SOA, &text) }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn at(seconds: u64) -> Time {
    Time::START + Duration::from_secs(seconds)
}

fn shown(found: Option<Cached>) -> String {
    match found.map(|found| (found.known, found.ttl)) {
        None => "nothing".into(),
        Some((Known::Records(set), ttl)) => {
            let data: Vec<String> = set.data().map(|data| data.to_string()).collect();
            format!("{} for {ttl:?}", data.join(" "))
        }
        Some((Known::NoData(_), ttl)) => format!("no data for {ttl:?}"),
        Some((Known::NoSuchName(_), ttl)) => format!("no such name for {ttl:?}"),
    }
}

#[test]
fn a_set_holds_each_record_once_and_the_least_time_to_live() {
    let text = "www 300 A 192.0.2.1\nwww 200 A 192.0.2.2\nwww 300 A 192.0.2.1\nwww 100 AAAA ::1";
    let addresses = set(Rtype::A, text);
    assert_eq!((addresses.len(), addresses.ttl), (2, Duration::from_secs(200)));
    assert_eq!(format!("{addresses:?}"), "A 200s: 192.0.2.1 192.0.2.2");
    let mail = set(Rtype::MX, "@ 60 MX 10 mail\n@ 60 MX 20 mail.other.");
    let exchanges: Vec<String> = mail.data().map(|data| data.to_string()).collect();
    assert_eq!(exchanges, ["10 mail.example.", "20 mail.other."]);
    assert_eq!(set(Rtype::CNAME, "www 60 CNAME web").alias(), Some(name("web.example")));
    assert!(matches!(addresses.data().next(), Some(AllRecordData::A(_))));
}

#[test]
fn records_are_there_for_their_time() {
    let mut cache = Cache::new(CacheOptions::default());
    let www = name("www.example");
    cache.insert(&www, set(Rtype::A, "www 300 A 192.0.2.1"), Rank::Answer, at(0));
    assert_eq!(shown(cache.get(&name("WWW.Example"), Rtype::A, at(1))), "192.0.2.1 for 299s");
    assert_eq!(shown(cache.get(&www, Rtype::AAAA, at(1))), "nothing");
    assert_eq!(shown(cache.get(&www, Rtype::A, at(299))), "192.0.2.1 for 1s");
    assert_eq!(shown(cache.get(&www, Rtype::A, at(300))), "nothing");
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn times_are_within_bounds() {
    let options = CacheOptions {
        ttl_min: Duration::from_secs(10),
        ttl_max: Duration::from_secs(100),
        ..CacheOptions::default()
    };
    let mut cache = Cache::new(options);
    for (ttl, kept) in [(1_u32, 10), (50, 50), (5000, 100), (0x8000_0001, 10)] {
        let records = set(Rtype::A, &format!("www {ttl} A 192.0.2.1"));
        cache.insert(&name("www.example"), records, Rank::Answer, at(0));
        let found = cache.get(&name("www.example"), Rtype::A, at(0)).expect("it is kept");
        assert_eq!(found.ttl, Duration::from_secs(kept));
    }
    let mut cache = Cache::new(CacheOptions::default());
    let records = set(Rtype::A, "www 0 A 192.0.2.1");
    assert!(!cache.insert(&name("www.example"), records, Rank::Answer, at(0)));
}

#[test]
fn what_came_along_does_not_replace_an_answer() {
    let mut cache = Cache::new(CacheOptions::default());
    let www = name("www.example");
    let (good, forged) =
        (set(Rtype::A, "www 60 A 192.0.2.1"), set(Rtype::A, "www 9 A 203.0.113.6"));
    for rank in [Rank::Answer, Rank::Authority, Rank::AuthoritativeAnswer] {
        assert!(cache.insert(&www, good.clone(), rank, at(0)));
        for lower in [Rank::Additional, Rank::Referral] {
            assert!(!cache.insert(&www, forged.clone(), lower, at(1)));
            assert!(!cache.insert_no_data(&www, Rtype::A, Some(soa(60, 60)), lower, at(1)));
        }
        assert_eq!(shown(cache.get(&www, Rtype::A, at(2))), "192.0.2.1 for 58s");
    }
    // When its time is over, or by what is trusted as much, it is replaced.
    assert!(cache.insert(&www, forged.clone(), Rank::AuthoritativeAnswer, at(3)));
    assert!(cache.insert(&www, good, Rank::Additional, at(12)));
}

#[test]
fn absence_is_kept_for_as_long_as_the_start_of_authority_says() {
    let mut cache = Cache::new(CacheOptions::default());
    let www = name("www.example");
    for (ttl, minimum, kept) in [(300, 60, "60s"), (30, 60, "30s"), (90_000, 90_000, "3600s")] {
        cache.insert_no_data(&www, Rtype::MX, Some(soa(ttl, minimum)), Rank::Answer, at(0));
        let found = shown(cache.get(&www, Rtype::MX, at(0)));
        assert_eq!(found, format!("no data for {kept}"));
    }
    assert!(!cache.insert_no_data(&www, Rtype::TXT, None, Rank::Answer, at(0)));
}

#[test]
fn a_name_that_does_not_exist_has_no_type() {
    let mut cache = Cache::new(CacheOptions::default());
    let www = name("www.example");
    cache.insert(&www, set(Rtype::A, "www 300 A 192.0.2.1"), Rank::Answer, at(0));
    cache.insert_no_such_name(&www, Some(soa(60, 60)), Rank::Answer, at(0));
    for rtype in [Rtype::A, Rtype::MX] {
        assert_eq!(shown(cache.get(&www, rtype, at(1))), "no such name for 59s");
    }
    // What came along does not bring it back; an answer does.
    cache.insert(&www, set(Rtype::AAAA, "www 300 AAAA ::1"), Rank::Additional, at(2));
    assert_eq!(shown(cache.get(&www, Rtype::AAAA, at(2))), "no such name for 58s");
    cache.insert(&www, set(Rtype::AAAA, "www 300 AAAA ::1"), Rank::Answer, at(2));
    assert_eq!(shown(cache.get(&www, Rtype::AAAA, at(2))), "::1 for 300s");
}

#[test]
fn memory_is_bounded_and_what_is_used_stays() {
    let mut cache = Cache::new(CacheOptions { bytes_max: 10_000, ..CacheOptions::default() });
    let favourite = name("favourite.example");
    cache.insert(&favourite, set(Rtype::A, "f 300 A 192.0.2.1"), Rank::Answer, at(0));
    for number in 0..1000 {
        let other = name(&format!("n{number}.example"));
        cache.insert(&other, set(Rtype::A, "n 300 A 192.0.2.2"), Rank::Answer, at(0));
        assert!(cache.bytes() <= 10_000);
        assert!(cache.get(&favourite, Rtype::A, at(1)).is_some(), "{number}");
    }
    assert!((40..50).contains(&cache.len()), "{}", cache.len());
    assert!(cache.get(&name("n999.example"), Rtype::A, at(1)).is_some());
    assert!(cache.get(&name("n900.example"), Rtype::A, at(1)).is_none());
    cache.clear();
    assert!(cache.is_empty() && cache.bytes() == 0);
}

#[test]
fn what_is_used_near_its_end_is_to_be_asked_for_once() {
    let mut cache = Cache::new(CacheOptions::default());
    let www = name("www.example");
    let mut wants = |seconds| cache.get(&www, Rtype::A, at(seconds)).map(|one| one.wants_refresh);
    assert_eq!(wants(0), None);
    cache.insert(&www, set(Rtype::A, "www 100 A 192.0.2.1"), Rank::Answer, at(0));
    let mut wants = |seconds| cache.get(&www, Rtype::A, at(seconds)).map(|one| one.wants_refresh);
    assert_eq!(
        [wants(50), wants(89), wants(90), wants(95)].map(Option::unwrap_or_default),
        [false, false, true, false]
    );
}

#[test]
fn what_is_stale_is_found_by_who_asks_for_it() {
    let day = Duration::from_secs(86_400);
    let mut cache = Cache::new(CacheOptions { serve_stale: day, ..CacheOptions::default() });
    let www = name("www.example");
    cache.insert(&www, set(Rtype::A, "www 100 A 192.0.2.1"), Rank::Answer, at(0));
    assert_eq!(shown(cache.get(&www, Rtype::A, at(100))), "nothing");
    assert_eq!(shown(cache.get_stale(&www, Rtype::A, at(100))), "192.0.2.1 for 30s");
    assert_eq!(shown(cache.get_stale(&www, Rtype::A, at(86_499))), "192.0.2.1 for 30s");
    assert_eq!(shown(cache.get_stale(&www, Rtype::A, at(86_500))), "nothing");
    // It is no hindrance to what is trusted less.
    cache.insert(&www, set(Rtype::A, "www 100 A 192.0.2.1"), Rank::Answer, at(0));
    assert!(cache.insert(&www, set(Rtype::A, "www 9 A 192.0.2.2"), Rank::Additional, at(101)));
}
