//! Programs that look up the names of many addresses, each on one core: how they are run, and what they cost.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::material;
use super::servers::NameServer;
use crate::foreign;
use crate::report::Report;

/// Who looks up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `ropewalk rdns`, on the driver of that name.
    Ours(&'static str),
    /// adnslogres of Debian's adns-tools.
    Adns,
    /// A pool of threads that each call the system's resolver.
    Threads,
    /// The same as the classic example has it, in Python.
    PythonThreads,
    /// Twisted's names client.
    Twisted,
}

/// The core of those who ask; the server has the other.
const ASKING_CORE: &str = "1";
/// Lookups that those keep in flight who can be told: as many as `ropewalk rdns` does by itself.
const IN_FLIGHT: &str = "1000";
/// How often it is looked at how much memory a program holds.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A run of one of them.
pub(super) struct Run {
    /// Lookups, time and processor time of the program.
    pub(super) report: Report,
    /// The most memory that it held.
    pub(super) peak_bytes: u64,
}

/// Has `count` addresses looked up at `server`.
///
/// # Errors
///
/// If the program is not there, or fails.
pub(super) fn run(kind: Kind, server: &NameServer, count: usize) -> io::Result<Run> {
    let addresses = material::addresses(count)?;
    let mut command = command(kind, server, &addresses)?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let (began, before) = (Instant::now(), children_ticks()?);
    let mut child = command.spawn()?;
    let (status, peak_bytes) = wait(&mut child)?;
    let seconds = began.elapsed().as_secs_f64();
    if !status.success() {
        return Err(io::Error::other(format!("it failed: {status}")));
    }
    let after = children_ticks()?;
    let (user_ticks, system_ticks) = (after.0 - before.0, after.1 - before.1);
    let report = Report {
        messages: count as u64,
        asked: count as u64,
        seconds,
        cpu_nanos: (user_ticks + system_ticks) * NANOS_PER_TICK,
        user_ticks,
        system_ticks,
        ..Report::default()
    };
    Ok(Run { report, peak_bytes })
}

/// The system counts the time of children that have ended in hundredths of a second.
const NANOS_PER_TICK: u64 = 10_000_000;

fn command(kind: Kind, server: &NameServer, addresses: &Path) -> io::Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["-c", ASKING_CORE]);
    let at = format!("{}:{}", server.ip, server.port);
    let ours = std::env::current_exe()?;
    match kind {
        Kind::Ours(driver) => {
            command.arg(ours.with_file_name("ropewalk")).args(["--reactor", driver, "rdns"]);
            command.args(["--quiet", "--order", "done", "--server", &at]).arg(addresses);
        }
        Kind::Adns => {
            if !Path::new("/usr/bin/adnslogres").exists() {
                return Err(io::Error::other("not installed (Debian's adns-tools)"));
            }
            let settings = format!("nameserver {}", server.ip);
            command.args(["adnslogres", "-C", &settings, "-c", IN_FLIGHT]).arg(addresses);
        }
        Kind::Threads => {
            with_resolver(&mut command, server)?;
            command.arg(ours.with_file_name("peer-threads-names")).arg(addresses);
        }
        Kind::PythonThreads => {
            with_resolver(&mut command, server)?;
            command.arg("python3").arg(foreign::script("dns/threads_names.py")).arg(addresses);
        }
        Kind::Twisted => {
            let made = foreign::python("dns/twisted_names.py", "twisted");
            let (python, script) = made.map_err(io::Error::other)?;
            command.arg(python).arg(script).args([&at, IN_FLIGHT]).arg(addresses);
        }
    }
    Ok(command)
}

/// The system's resolver is told of its server by one file only, so the program gets a view of the files of its own.
fn with_resolver(command: &mut Command, server: &NameServer) -> io::Result<()> {
    let settings = material::resolv_conf(server.ip)?;
    let look = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    command.args(["unshare", "--mount", "sh", "-c", look]).arg(settings);
    Ok(())
}

/// Waits for a program's end; the most memory that it was seen to hold.
fn wait(child: &mut Child) -> io::Result<(ExitStatus, u64)> {
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, peak));
        }
        let status = fs::read_to_string(&file).unwrap_or_default();
        peak = peak.max(peak_of(&status).unwrap_or(0));
        std::thread::sleep(LOOK_EVERY);
    }
}

fn peak_of(status: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What our children that have ended have used, in user space and in the kernel: fields 16 and 17 of `stat`.
fn children_ticks() -> io::Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut fields = behind_name.split(' ').skip(13).map(|word| word.parse().unwrap_or(0));
    Ok((fields.next().unwrap_or(0), fields.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_in_kibibytes() {
        assert_eq!(peak_of("VmPeak: 9 kB\nVmHWM:\t    12 kB\n"), Some(12 * 1024));
        assert_eq!(peak_of("VmPeak: 9 kB\n"), None);
    }
}
