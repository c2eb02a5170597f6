//! Any text as each of the files that a resolver reads: resolv.conf, hosts, root hints. They are read or refused, and
//! what was read can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_dns::{Hosts, ResolvConf, RootHints};

fuzz_target!(|text: &str| {
    let conf = ResolvConf::parse(text);
    let hosts = Hosts::parse(text);
    for word in text.split_ascii_whitespace() {
        for name in conf.candidates(word) {
            assert!(name.len() <= 255);
        }
        let addresses = hosts.addresses(word);
        assert!(addresses.iter().all(|address| hosts.name(*address).is_some()));
    }
    drop(RootHints::parse(text));
});
