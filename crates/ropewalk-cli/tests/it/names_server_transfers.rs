//! Zones between `ropewalk dns` and Debian's name servers, both ways, signed.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::names_peers::{bind9, dig, free_address, nsd};
use crate::names_server::{NameServer, serial, wait_until, zone_file};
use crate::program::{Directory, has};

const KEY: &str = "hmac-sha256:k.example:c2VjcmV0IHRoYXQgaXMgbG9uZyBlbm91Z2g=";
const BIND9_KEY: &str = "key \"k.example\" { algorithm hmac-sha256; secret \"c2VjcmV0IHRoYXQgaXMgbG9uZyBlbm91Z2g=\"; };";
const NSD_KEY: &str = "key:\n name: \"k.example\"\n algorithm: hmac-sha256\n \
                       secret: \"c2VjcmV0IHRoYXQgaXMgbG9uZyBlbm91Z2g=\"\n";

/// A zone with enough names for several messages; one of them is another in each version.
fn text(serial: u32) -> String {
    let head = "$ORIGIN example.\n$TTL 300\n@ SOA ns hm";
    let many: String =
        (0..4000).map(|n| format!("host{n} A 10.0.{}.{}\n", n / 250, n % 250)).collect();
    format!(
        "{head} {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\nv{serial} A 192.0.2.1\n{many}"
    )
}

fn has_all(test: &str, names: &[&str]) -> bool {
    names.iter().all(|name| has(test, name))
}

/// The zone as a server gives it away, in order.
fn transferred(server: SocketAddr) -> Vec<String> {
    let text = dig(server, &["example", "AXFR", "-y", KEY, "+noall", "+answer"]);
    let mut lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    lines.dedup(); // The SOA is first and last.
    lines
}

/// `ropewalk dns` with version 1, which tells `secondary`; a version after it takes its place.
struct OurPrimary {
    server: NameServer,
    file: String,
}

impl OurPrimary {
    fn start(directory: &Directory, at: SocketAddr, secondary: SocketAddr) -> Self {
        let file = zone_file(directory, "ours", &text(1));
        let (zone, notify) =
            (format!("example={file}"), format!("{}@{}", secondary.ip(), secondary.port()));
        let arguments = [
            "--zone",
            &zone,
            "--tsig-key",
            KEY,
            "--transfer-to",
            "key:k.example",
            "--notify",
            &notify,
        ];
        Self { server: NameServer::start_at(at, &arguments), file }
    }

    fn change(&self) {
        fs::write(&self.file, text(2)).expect("a file");
        self.server.program.signal(Signal::HUP);
    }

    #[track_caller]
    fn check_secondary(&self, secondary: SocketAddr) {
        wait_until("the secondary has the first version", || serial(secondary) == "1");
        self.change();
        wait_until("the secondary has the second version", || serial(secondary) == "2");
        let (ours, theirs) = (transferred(self.server.address), transferred(secondary));
        assert_eq!(ours.len(), 4004);
        assert!(ours == theirs, "the secondary has what the primary has");
    }
}

#[test]
fn bind9_is_a_secondary_of_ours() {
    let test = "bind9_is_a_secondary_of_ours";
    if !has_all(test, &["named", "dig"]) {
        return;
    }
    let (directory, at, hears) = (Directory::new(), free_address(), free_address());
    let primary = OurPrimary::start(&directory, at, hears);
    let zone = format!(
        "{BIND9_KEY}\nzone \"example\" {{ type secondary; file \"example.copy\"; \
         primaries {{ {} port {} key \"k.example\"; }}; }};",
        at.ip(),
        at.port()
    );
    let listen = format!("listen-on port {} {{ 127.0.0.1; }};", hears.port());
    let peer = bind9(&directory, &listen, &[], &zone);
    primary.check_secondary(peer.address);
    let log = fs::read_to_string(directory.path("named.log")).expect("it has a log");
    assert!(log.contains("TSIG 'k.example'"), "{log}");
    // Four SOAs and what has come and gone.
    assert!(log.contains("1 messages, 6 records"), "the second version came as differences: {log}");
}

#[test]
fn nsd_is_a_secondary_of_ours() {
    let test = "nsd_is_a_secondary_of_ours";
    if !has_all(test, &["nsd", "dig"]) {
        return;
    }
    let (directory, at, hears) = (Directory::new(), free_address(), free_address());
    let primary = OurPrimary::start(&directory, at, hears);
    let zone = format!(
        "{NSD_KEY}zone:\n name: \"example\"\n zonefile: \"example.copy\"\n \
         request-xfr: {}@{} k.example\n allow-notify: 127.0.0.1 NOKEY\n \
         provide-xfr: 127.0.0.1 k.example\n",
        at.ip(),
        at.port()
    );
    let listen = format!("ip-address: 127.0.0.1@{}\n", hears.port());
    let peer = nsd(&directory, &listen, &[], &zone);
    primary.check_secondary(peer.address);
}

/// `ropewalk dns` as a secondary, at this address.
fn our_secondary(directory: &Directory, at: SocketAddr, primary: SocketAddr) -> NameServer {
    let (secondary, state) =
        (format!("example={}@{}#k.example", primary.ip(), primary.port()), directory.path("state"));
    fs::create_dir_all(&state).expect("a directory");
    // A note may come in on either thread.
    let arguments = [
        "--workers",
        "2",
        "--secondary",
        &secondary,
        "--tsig-key",
        KEY,
        "--transfer-to",
        "key:k.example",
        "--state",
        &state,
    ];
    NameServer::start_at(at, &arguments)
}

#[track_caller]
fn check_ours(ours: &NameServer, primary: SocketAddr, change: impl FnOnce()) {
    wait_until("we have the first version", || serial(ours.address) == "1");
    change();
    wait_until("we have the second version", || serial(ours.address) == "2");
    let (ours, theirs) = (transferred(ours.address), transferred(primary));
    assert_eq!(ours.len(), 4004);
    assert!(ours == theirs, "we have what the primary has");
}

#[test]
fn ours_is_a_secondary_of_bind9() {
    let test = "ours_is_a_secondary_of_bind9";
    if !has_all(test, &["named", "dig"]) {
        return;
    }
    let (directory, at) = (Directory::new(), free_address());
    let file = zone_file(&directory, "example", &text(1));
    let zone = format!(
        "{BIND9_KEY}\nzone \"example\" {{ type primary; file \"{file}\"; notify explicit; \
         also-notify {{ {} port {}; }}; allow-transfer {{ key \"k.example\"; }}; \
         ixfr-from-differences yes; }};",
        at.ip(),
        at.port()
    );
    let peer = bind9(&directory, "notify-delay 0;", &[], &zone);
    let ours = our_secondary(&directory, at, peer.address);
    check_ours(&ours, peer.address, || {
        fs::write(&file, text(2)).expect("a file");
        peer.program.signal(Signal::HUP);
    });
    // What was kept serves when there is no primary any more.
    let kept = directory.path("state/example.zone");
    wait_until("the zone is kept", || {
        fs::read_to_string(&kept).is_ok_and(|text| text.contains("\nv2.example."))
    });
    drop(peer);
    drop(ours);
    let again = our_secondary(&directory, free_address(), free_address());
    wait_until("the kept version serves", || serial(again.address) == "2");
}

#[test]
fn ours_is_a_secondary_of_nsd() {
    let test = "ours_is_a_secondary_of_nsd";
    if !has_all(test, &["nsd", "dig"]) {
        return;
    }
    let (directory, at) = (Directory::new(), free_address());
    let file = zone_file(&directory, "example", &text(1));
    let zone = format!(
        "{NSD_KEY}zone:\n name: \"example\"\n zonefile: \"{file}\"\n store-ixfr: yes\n \
         create-ixfr: yes\n notify: {}@{} k.example\n provide-xfr: 127.0.0.1 k.example\n",
        at.ip(),
        at.port()
    );
    let peer = nsd(&directory, "", &[], &zone);
    let ours = our_secondary(&directory, at, peer.address);
    check_ours(&ours, peer.address, || {
        fs::write(&file, text(2)).expect("a file");
        peer.program.signal(Signal::HUP);
    });
}

#[test]
fn what_is_signed_wrong_is_told_so() {
    let test = "what_is_signed_wrong_is_told_so";
    if !has_all(test, &["dig"]) {
        return;
    }
    let directory = Directory::new();
    let zone = format!("example={}", zone_file(&directory, "ours", &text(1)));
    let ours = NameServer::start(&["--zone", &zone, "--tsig-key", KEY]);
    let said = |key: &str| ours.dig(&["example", "SOA", "-y", key]);
    assert!(said(KEY).contains("status: NOERROR"));
    assert!(said(&KEY.replace("c2Vj", "c2Vk")).contains("BADSIG"));
    assert!(said(&KEY.replace("k.example", "j.example")).contains("BADKEY"));
    // Signed right, and not allowed to have the zone.
    assert!(ours.dig(&["example", "AXFR", "-y", KEY]).contains("Transfer failed"));
    assert!(ours.dig(&["example", "AXFR"]).contains("Transfer failed"));
}
