//! The name servers that other tests are made with do answer.

use std::net::SocketAddr;

use crate::names_peers::{Peer, bind9, certificate, dig, nsd, unbound};
use crate::program::{Directory, has};

const ZONE: &str = "$ORIGIN example.\n$TTL 300\n\
    @ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.80\n";

fn www(server: SocketAddr) -> String {
    dig(server, &["www.example", "A", "+short", "+tries=1", "+time=10"])
}

#[test]
fn authorities_and_a_resolver_answer() {
    let test = "authorities_and_a_resolver_answer";
    if !["named", "nsd", "unbound", "dig", "openssl"].iter().all(|name| has(test, name)) {
        return;
    }
    let directories = [(); 3].map(|()| Directory::new());
    let [one, two, three] = &directories;
    let bind9 = bind9(one, "", &[("example", ZONE)], "");
    certificate(two);
    let nsd = nsd(two, "", &[("example", ZONE)], "");
    certificate(three);
    let stub = format!(
        "stub-zone:\n name: \"example\"\n stub-addr: {}@{}\n",
        nsd.address.ip(),
        nsd.address.port()
    );
    let unbound = unbound(three, "", &stub);
    let answers = [&bind9, &nsd, &unbound].map(|Peer { address, .. }| www(*address));
    assert_eq!(answers, ["192.0.2.80\n"; 3]);
    let over_tls = |peer: &Peer| {
        let arguments = ["www.example", "A", "+short", "+tls", "+tries=1", "+time=10"];
        dig(peer.tls, &arguments)
    };
    assert_eq!([&nsd, &unbound].map(over_tls), ["192.0.2.80\n"; 2]);
}
