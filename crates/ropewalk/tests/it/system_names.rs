//! The names of a machine whose files the test writes.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ropewalk::{Loop, Resolve, SystemFiles, SystemNames, defer_later, net};

struct Machine {
    main_loop: Loop,
    directory: PathBuf,
    names: SystemNames,
}

impl Machine {
    fn new(test: &str, nsswitch: &str, hosts: &str) -> Self {
        let main_loop = net::new_loop(None).unwrap();
        let name = format!("ropewalk-names-{}-{test}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let [resolv_conf, hosts_file, nsswitch_conf] =
            ["resolv.conf", "hosts", "nsswitch.conf"].map(|name| directory.join(name));
        // Nobody is there: whatever is asked fails.
        fs::write(&resolv_conf, "nameserver 127.255.255.254\noptions use-vc attempts:1\n").unwrap();
        fs::write(&hosts_file, hosts).unwrap();
        fs::write(&nsswitch_conf, nsswitch).unwrap();
        let files = SystemFiles { resolv_conf, hosts: hosts_file, nsswitch_conf };
        let names = SystemNames::with_files(main_loop.reactor(), files);
        Self { main_loop, directory, names }
    }

    fn find(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let found = self.names.resolve(self.main_loop.reactor(), name);
        self.main_loop.run_until(found).map_err(|failure| failure.to_string())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory); // It is in the temporary directory.
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_hosts_file_is_read_and_read_again_when_it_has_changed() {
    let machine = Machine::new("hosts", "hosts: files dns\n", "192.0.2.7 box\n");
    assert_eq!(machine.find("box").unwrap(), [ip("192.0.2.7")]);
    assert_eq!(machine.find("localhost.").unwrap().len(), 2);
    fs::write(machine.directory.join("hosts"), "192.0.2.77 box\n").unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while machine.find("box").unwrap() != [ip("192.0.2.77")] {
        assert!(Instant::now() < end, "it is not read again");
        let moment = Duration::from_millis(20);
        machine
            .main_loop
            .run_until(defer_later(machine.main_loop.reactor(), moment, || Ok(())))
            .unwrap();
    }
}

#[test]
fn the_servers_of_the_file_are_asked() {
    let machine = Machine::new("servers", "hosts: files dns\n", "");
    let said = machine.find("www.example.").unwrap_err();
    assert!(said.starts_with("ask 127.255.255.254:53 by TCP for www.example A: "), "{said}");
}

#[test]
fn with_other_services_the_system_is_asked() {
    let machine = Machine::new("services", "hosts: files ldap\n", "192.0.2.7 localhost\n");
    let found = machine.find("localhost").unwrap();
    assert!(!found.contains(&ip("192.0.2.7")) && !found.is_empty(), "{found:?}");
}
