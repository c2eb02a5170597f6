//! What the name servers serve and are asked for: files, made when first asked for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::foreign;

/// Names in the zone that is asked for.
const NAMES: usize = 100_000;
/// Questions in dnsperf's file; it begins anew at its end.
const QUESTIONS: usize = 200_000;
/// Of these, those that are asked of resolvers: few enough that all of them are in every cache.
const KNOWN: usize = 20_000;

/// The directory of all that.
///
/// # Errors
///
/// If it cannot be made.
pub(super) fn directory() -> io::Result<PathBuf> {
    let directory = foreign::directory()?.join("names");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The zone `example.com`: so many names with an address each.
pub(super) fn zone() -> io::Result<PathBuf> {
    made("example.com.zone", |out| {
        writeln!(out, "$ORIGIN example.com.\n$TTL 86400\n@ SOA ns1 h 1 3600 600 864000 300")?;
        writeln!(out, "@ NS ns1\nns1 A 192.0.2.1")?;
        (0..NAMES).try_for_each(|name| writeln!(out, "h{name} A {}", address(name)))
    })
}

/// The zone of the addresses of 10.0.0.0/8, each with the same name.
pub(super) fn pointers() -> io::Result<PathBuf> {
    made("10.in-addr.arpa.zone", |out| {
        writeln!(
            out,
            "$ORIGIN 10.in-addr.arpa.\n$TTL 86400\n@ SOA ns1.example.com. h 1 3600 600 864000 300"
        )?;
        writeln!(out, "@ NS ns1.example.com.\n* PTR host.example.com.")
    })
}

/// Questions for names of the zone in no order, as dnsperf reads them: all, or a few.
pub(super) fn questions(known_only: bool) -> io::Result<PathBuf> {
    let (file, count) = if known_only { ("known", KNOWN) } else { ("questions", QUESTIONS) };
    made(file, |out| {
        // Steps by a prime that does not divide the number of names: all of them, far apart.
        (0..count).try_for_each(|n| writeln!(out, "h{}.example.com A", n * 7_919 % NAMES))
    })
}

/// So many addresses to be looked up, a line each.
pub(super) fn addresses(count: usize) -> io::Result<PathBuf> {
    made(&format!("addresses-{count}"), |out| {
        (0..count).try_for_each(|number| writeln!(out, "{}", address(number)))
    })
}

/// Settings for the system's resolver that name one server.
pub(super) fn resolv_conf(server: &str) -> io::Result<PathBuf> {
    made("resolv.conf", |out| writeln!(out, "nameserver {server}"))
}

fn address(number: usize) -> String {
    format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)
}

/// A file of that name with what `write` writes, unless it is there.
fn made(
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let path = directory()?.join(name);
    if !path.exists() {
        let half = path.with_extension("half");
        let mut out = BufWriter::new(File::create(&half)?);
        write(&mut out)?;
        out.flush()?;
        fs::rename(half, &path)?;
    }
    Ok(path)
}
