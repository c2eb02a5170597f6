//! Name servers, each on one core: how they are started, and what all of their processes have used.

use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::material;
use crate::cpu::CpuTime;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// NSD, an authority.
    Nsd,
    /// BIND 9 as an authority, or as a resolver that asks an authority.
    Bind9,
    /// Unbound, a resolver.
    Unbound,
    /// Ours, on the driver of that name.
    Ours(&'static str),
}

/// What a server is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// It has the zones.
    Authority,
    /// It asks the authority at this port of this machine, and remembers.
    Resolver(u16),
}

/// A server that runs. Dropping it ends it.
pub(super) struct NameServer {
    child: Child,
    pub(super) ip: &'static str,
    pub(super) port: u16,
}

/// The core of servers; the load has the other.
const SERVER_CORE: &str = "0";
/// How often it is asked whether it answers, a tenth of a second apart: a large zone takes seconds to read.
const TRIES: usize = 300;

impl NameServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it does not answer; with the last of its log.
    pub(super) fn start(kind: Kind, role: Role) -> io::Result<Self> {
        // Free now; nobody else on this machine is likely to take it in the next moment.
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(kind, role, "127.0.0.1", port)
    }

    /// The same at an address of its own.
    pub(super) fn start_at(
        kind: Kind,
        role: Role,
        ip: &'static str,
        port: u16,
    ) -> io::Result<Self> {
        let log = material::directory()?.join("server.log");
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]);
        match kind {
            Kind::Nsd => nsd(&mut command, ip, port)?,
            Kind::Bind9 => bind9(&mut command, role, ip, port)?,
            Kind::Unbound => unbound(&mut command, role, ip, port)?,
            Kind::Ours(driver) => ours(&mut command, driver, role, ip, port)?,
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut server = Self { child: command.spawn()?, ip, port };
        if (0..TRIES).any(|_| server.answers()) {
            return Ok(server);
        }
        let ended = server.child.try_wait()?.is_some();
        let said = crate::foreign::last_line(&fs::read_to_string(log).unwrap_or_default());
        let how = if ended { "it has ended" } else { "it does not answer" };
        Err(io::Error::other(said.unwrap_or_else(|| how.to_owned())))
    }

    /// Asks for a name of the zone once.
    fn answers(&self) -> bool {
        let ask = || {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            socket.connect((self.ip, self.port))?;
            let query = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x02h1\x07example\x03com\0\0\x01\0\x01";
            socket.send(query)?;
            let mut answer = [0; 512];
            let len = socket.recv(&mut answer)?;
            // One answer at least, and no complaint.
            Ok::<_, io::Error>(len > 12 && answer[7] >= 1 && answer[3] & 15 == 0)
        };
        match ask() {
            Ok(answers) => answers,
            Err(_) => {
                std::thread::sleep(Duration::from_millis(50)); // Refused at once, while nobody is there.
                false
            }
        }
    }

    /// What all of its processes have used.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub(super) fn cpu(&self) -> io::Result<CpuTime> {
        let mut sum = CpuTime::of(self.child.id())?;
        for pid in descendants(self.child.id()) {
            let one = CpuTime::of(pid)?;
            sum.total += one.total;
            sum.waited += one.waited;
            sum.user_ticks += one.user_ticks;
            sum.system_ticks += one.system_ticks;
        }
        Ok(sum)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let children = descendants(self.child.id());
        // They may have ended by themselves; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in children {
            let _ = Command::new("kill").arg(pid.to_string()).stderr(Stdio::null()).status();
        }
    }
}

/// The processes that a process has started, and theirs.
fn descendants(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut all: Vec<u32> = list.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let further: Vec<u32> = all.iter().flat_map(|child| descendants(*child)).collect();
    all.extend(further);
    all
}

fn write(name: &str, text: &str) -> io::Result<String> {
    let path = material::directory()?.join(name);
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn nsd(command: &mut Command, ip: &str, port: u16) -> io::Result<()> {
    let place = material::directory()?;
    let (place, zone, pointers) = (place.display(), material::zone()?, material::pointers()?);
    let settings = write(
        "nsd.conf",
        &format!(
            "server:\n ip-address: {ip}@{port}\n username: \"\"\n zonesdir: \"{place}\"\n \
             pidfile: \"{place}/nsd.pid\"\n xfrdfile: \"{place}/xfrd.state\"\n \
             zonelistfile: \"{place}/zone.list\"\n server-count: 1\n rrl-ratelimit: 0\n\
             remote-control:\n control-enable: no\n\
             zone:\n name: example.com\n zonefile: \"{}\"\n\
             zone:\n name: 10.in-addr.arpa\n zonefile: \"{}\"\n",
            zone.display(),
            pointers.display()
        ),
    )?;
    command.args([installed("nsd", "nsd")?, "-d", "-c"]).arg(settings);
    Ok(())
}

fn bind9(command: &mut Command, role: Role, ip: &str, port: u16) -> io::Result<()> {
    let place = material::directory()?;
    let (place, zone) = (place.display(), material::zone()?);
    let rest = match role {
        Role::Authority => format!(
            "recursion no; }};\nzone \"example.com\" {{ type primary; file \"{}\"; }};\n",
            zone.display()
        ),
        Role::Resolver(authority) => format!(
            "recursion yes; forward only; forwarders {{ 127.0.0.1 port {authority}; }}; \
             max-cache-size 500m; }};\n"
        ),
    };
    let settings = write(
        "named.conf",
        &format!(
            "options {{ directory \"{place}\"; managed-keys-directory \"{place}\"; pid-file none; \
             listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; dnssec-validation no; \
             {rest}controls {{}};\nlogging {{ category queries {{ null; }}; }};\n"
        ),
    )?;
    command.args([installed("named", "bind9")?, "-g", "-4", "-n", "1", "-c"]).arg(settings);
    Ok(())
}

fn unbound(command: &mut Command, role: Role, ip: &str, port: u16) -> io::Result<()> {
    let Role::Resolver(authority) = role else {
        return Err(io::Error::other("it is a resolver only"));
    };
    let place = material::directory()?;
    let place = place.display();
    let settings = write(
        "unbound.conf",
        &format!(
            "server:\n interface: {ip}@{port}\n username: \"\"\n chroot: \"\"\n directory: \"{place}\"\n \
             pidfile: \"\"\n do-daemonize: no\n use-syslog: no\n access-control: 127.0.0.0/8 allow\n \
             do-not-query-localhost: no\n module-config: \"iterator\"\n num-threads: 1\n \
             msg-cache-size: 200m\n rrset-cache-size: 400m\n\
             remote-control:\n control-enable: no\n\
             forward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{authority}\n"
        ),
    )?;
    command.args([installed("unbound", "unbound")?, "-d", "-c"]).arg(settings);
    Ok(())
}

fn ours(command: &mut Command, driver: &str, role: Role, ip: &str, port: u16) -> io::Result<()> {
    let program = std::env::current_exe()?.with_file_name("ropewalk");
    command.arg(program).args(["--reactor", driver, "dns"]);
    match role {
        Role::Authority => {
            command.arg("--zone").arg(material::zone()?);
            command.arg("--zone").arg(material::pointers()?);
        }
        Role::Resolver(authority) => {
            command.args(["--forward", &format!("127.0.0.1@{authority}")]);
        }
    }
    for word in ["udp", "tcp"] {
        command.args(["--listen", &format!("{word}:{port}:interface={ip}")]);
    }
    Ok(())
}

/// Where Debian puts a server.
fn installed(name: &'static str, package: &str) -> io::Result<&'static str> {
    let places = ["/usr/sbin", "/usr/bin"].map(|place| Path::new(place).join(name));
    match places.iter().any(|place| place.exists()) {
        true => Ok(name),
        false => Err(io::Error::other(format!("not installed (Debian's {package})"))),
    }
}
