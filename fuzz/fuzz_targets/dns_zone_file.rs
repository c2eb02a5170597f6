//! A master file of any text: it is refused with a place, or is a zone that has its SOA, and that can be told from itself.
#![no_main]

use std::collections::HashSet;

use domain::base::iana::Rtype;
use libfuzzer_sys::fuzz_target;
use ropewalk_dns::zone::{Difference, read_zone};

fuzz_target!(|input: &[u8]| {
    let include = &mut |path: &str, _: &str| match path {
        "a" => Ok((path.to_owned(), b"www A 192.0.2.1\n".to_vec())),
        _ => Err("it is not there".to_owned()),
    };
    let apex = "example".parse().expect("a name");
    for apex in [None, Some(&apex)] {
        match read_zone(apex, "file", input, include) {
            Ok((zone, _)) => {
                let soas = zone.records().filter(|record| record.rtype == Rtype::SOA);
                assert_eq!(soas.count(), 1);
                assert!(Difference::between(&zone, &zone).is_none());
                let all: HashSet<String> = zone.records().map(|r| format!("{r:?}")).collect();
                assert_eq!(all.len(), zone.records().count(), "each record is there once");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
