//! The programs that tests talk to, and where Debian keeps them.
//!
//! A fresh machine has a Rust toolchain and little else. On Debian as root the missing ones are
//! installed; anywhere else the tests that need them say that they skipped.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::cargo::step;

/// A program that tests start, and the Debian package that brings it.
struct Program {
    name: &'static str,
    package: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program { name: "nc", package: "netcat-openbsd" },
    Program { name: "ncat", package: "ncat" },
    Program { name: "socat", package: "socat" },
    Program { name: "systemd-socket-activate", package: "systemd" },
    Program { name: "openssl", package: "openssl" },
    Program { name: "python3", package: "python3" },
    Program { name: "strace", package: "strace" },
    Program { name: "curl", package: "curl" },
    Program { name: "nginx", package: "nginx-light" },
    Program { name: "wrk", package: "wrk" },
    Program { name: "slowhttptest", package: "slowhttptest" },
    Program { name: "ngircd", package: "ngircd" },
    Program { name: "inspircd", package: "inspircd" },
    Program { name: "atheme-services", package: "atheme-services" },
    Program { name: "weechat-headless", package: "weechat-headless" },
    Program { name: "chromium", package: "chromium" },
    Program { name: "node", package: "nodejs" },
    Program { name: "npm", package: "npm" },
    Program { name: "nats-server", package: "nats-server" },
    Program { name: "tmux", package: "tmux" },
    Program { name: "irssi", package: "irssi" },
    Program { name: "named", package: "bind9" },
    Program { name: "dig", package: "bind9-dnsutils" },
    Program { name: "nsd", package: "nsd" },
    Program { name: "unbound", package: "unbound" },
    Program { name: "kdig", package: "knot-dnsutils" },
    Program { name: "drill", package: "ldnsutils" },
    Program { name: "dnsperf", package: "dnsperf" },
    Program { name: "dnssec-signzone", package: "bind9-utils" },
];

/// Installs what is missing, where that can be done. Never fails: tests skip what is not there.
pub(crate) fn install_missing() {
    let missing: Vec<&Program> = PROGRAMS.iter().filter(|program| !has(program.name)).collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<&str> = missing.iter().map(|program| program.name).collect();
    println!("missing programs: {}", names.join(", "));
    if !(is_root() && has("apt-get")) {
        println!("not root on Debian: the tests that need them will skip");
        return;
    }
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    if let Err(trouble) = apt_install(&packages) {
        println!("{trouble}: the tests that need them will skip");
    }
}

/// Whether a program of that name is on the `PATH`.
pub(crate) fn has(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

fn apt_install(packages: &[&str]) -> Result<(), crate::Trouble> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step(apt().args(["-q", "update"]))?;
    step(apt().args(["-q", "install", "-y", "--no-install-recommends"]).args(packages))
}

/// Whether we are root, as the owner of our own `/proc` entry.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_on_the_path_or_not_at_all() {
        assert!(has("sh"));
        assert!(!has("no-program-has-this-name"));
    }
}
