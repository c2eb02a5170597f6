//! `ropewalk dns --recurse` and `--forward`, with Debian's name servers at the other ends.
//!
//! A tree of its own on the loopback: nsd is the root, bind9 has `test`, and below that are zones of ours.

use std::fs;
use std::net::SocketAddr;

use crate::names_peers::{Peer, bind9_at, dig, free_address, nsd_at, unbound};
use crate::program::{Directory, Program, has, serve};

const ROOT: &str = "$ORIGIN .\n$TTL 3600\n@ SOA a.root. h.root. 1 3600 600 86400 60\n@ NS a.root.\n\
    a.root. A 127.0.53.1\ntest. NS ns.test.\nns.test. A 127.0.0.1\n";

const TEST: &str = "$ORIGIN test.\n$TTL 3600\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n\
    www A 192.0.2.80\nbooks CNAME www.shop\nshop NS ns.shop\nns.shop A 127.0.53.3\n\
    news NS ns.shop\nold DNAME shop\n";

const SHOP: &str = "$ORIGIN shop.test.\n$TTL 3600\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\n\
    ns A 127.0.53.3\nwww A 192.0.2.81\nwww AAAA 2001:db8::81\na.b.c.d TXT \"deep\"\n";

const NEWS: &str = "$ORIGIN news.test.\n$TTL 3600\n@ SOA ns.shop.test. h 1 3600 600 86400 60\n\
    @ NS ns.shop.test.\nwww A 192.0.2.82\n";

/// Servers, in the order from the root down.
struct Tree {
    directory: Directory,
    port: u16,
    _peers: [(Directory, Peer); 2],
    _leaf: Program,
}

fn grow() -> Tree {
    let (directory, port) = (Directory::new(), free_address().port());
    let at = |ip: [u8; 4]| SocketAddr::from((ip, port));
    let (one, two) = (Directory::new(), Directory::new());
    let root = nsd_at(at([127, 0, 53, 1]), &one, "", &[(".", ROOT)], "");
    // The one address at which bind9 listens without being told of others by the system.
    let test = bind9_at(at([127, 0, 0, 1]), &two, "", &[("test", TEST)], "");
    let long: String = (0..40).map(|n| format!("long TXT \"{n:050}\"\n")).collect();
    let mut arguments = vec!["dns".to_owned()];
    for (name, text) in [("shop", format!("{SHOP}{long}")), ("news", NEWS.to_owned())] {
        let path = directory.path(name);
        fs::write(&path, text).expect("a file");
        arguments.extend(["--zone".to_owned(), path]);
    }
    for word in ["udp", "tcp"] {
        arguments.extend(["--listen".to_owned(), format!("{word}:{port}:interface=127.0.53.3")]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (leaf, _) = serve(&arguments);
    let hints = ". 3600 NS a.root.\na.root. 3600 A 127.0.53.1\n";
    fs::write(directory.path("hints"), hints).expect("a file");
    Tree { directory, port, _peers: [(one, root), (two, test)], _leaf: leaf }
}

impl Tree {
    fn recursor(&self) -> (Program, SocketAddr) {
        let (hints, port) = (self.directory.path("hints"), self.port.to_string());
        resolver(&["--recurse", "--root-hints", &hints, "--recurse-port", &port])
    }
}

/// A resolver of ours, and where it is.
fn resolver(how: &[&str]) -> (Program, SocketAddr) {
    let address = free_address();
    let places =
        ["udp", "tcp"].map(|word| format!("{word}:{}:interface=127.0.0.1", address.port()));
    let mut arguments = vec!["dns"];
    arguments.extend(how);
    for place in &places {
        arguments.extend(["--listen", place]);
    }
    let (program, _) = serve(&arguments);
    (program, address)
}

fn at_sign(server: SocketAddr) -> String {
    format!("{}@{}", server.ip(), server.port())
}

fn short(server: SocketAddr, arguments: &str) -> String {
    let mut all: Vec<_> = arguments.split(' ').collect();
    all.extend(["+short", "+tries=1", "+time=15"]);
    dig(server, &all)
}

fn status(server: SocketAddr, arguments: &str) -> String {
    let mut all: Vec<_> = arguments.split(' ').collect();
    all.extend(["+tries=1", "+time=15"]);
    let said = dig(server, &all);
    let at = said.split("status: ").nth(1).and_then(|rest| rest.split(',').next());
    at.unwrap_or(&said).to_owned()
}

const PROGRAMS: [&str; 4] = ["named", "nsd", "unbound", "dig"];

/// Asks for all kinds of names of the tree.
fn check(server: SocketAddr) {
    assert_eq!(short(server, "www.test A"), "192.0.2.80\n");
    assert_eq!(short(server, "www.shop.test AAAA"), "2001:db8::81\n");
    assert_eq!(short(server, "a.b.c.d.shop.test TXT"), "\"deep\"\n");
    assert_eq!(short(server, "www.news.test A"), "192.0.2.82\n", "whose server has no glue");
    assert_eq!(short(server, "books.test A"), "www.shop.test.\n192.0.2.81\n");
    // The name that a DNAME makes is in the letters of the question, which are mixed from one resolver to the next.
    let old = short(server, "www.old.test A").to_ascii_lowercase();
    assert_eq!(old, "shop.test.\nwww.shop.test.\n192.0.2.81\n");
    assert_eq!(short(server, "long.shop.test TXT").lines().count(), 40, "over TCP");
    assert_eq!(status(server, "nobody.shop.test A"), "NXDOMAIN");
    assert_eq!(status(server, "nobody.at.all A"), "NXDOMAIN");
    assert_eq!(status(server, "www.test MX"), "NOERROR");
}

#[test]
fn a_tree_of_real_servers_is_gone_down_from_its_root() {
    let test = "a_tree_of_real_servers_is_gone_down_from_its_root";
    if !PROGRAMS.iter().all(|name| has(test, name)) {
        return;
    }
    let tree = grow();
    let (_program, server) = tree.recursor();
    check(server);
    check(server); // From memory.
}

#[test]
fn a_forwarder_gives_what_unbound_and_our_resolver_say() {
    let test = "a_forwarder_gives_what_unbound_and_our_resolver_say";
    if !PROGRAMS.iter().all(|name| has(test, name)) {
        return;
    }
    let tree = grow();
    let (_program, above) = tree.recursor();
    let (_forwarder, here) = resolver(&["--forward", &at_sign(above)]);
    check(here);
    // Unbound asks servers at port 53 only, so it is told of one.
    let (directory, port) = (Directory::new(), tree.port);
    let stub = format!("stub-zone:\n name: \"shop.test\"\n stub-addr: 127.0.53.3@{port}\n");
    let unbound = unbound(&directory, " local-zone: \"test.\" nodefault", &stub);
    let (_forwarder, here) = resolver(&["--forward", &at_sign(unbound.address)]);
    assert_eq!(short(here, "www.shop.test AAAA"), "2001:db8::81\n");
    assert_eq!(short(here, "long.shop.test TXT").lines().count(), 40);
    assert_eq!(status(here, "nobody.shop.test A"), "NXDOMAIN");
}
