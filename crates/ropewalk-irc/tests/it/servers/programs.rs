//! Servers that are started for one test, on free ports of this machine, with a configuration of their own.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::PATIENCE;

/// A program that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    directory: Directory,
    pub(crate) port: u16,
    start: fn(&Path, u16) -> Command,
}

/// A directory of one test's own, removed at its end.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Server {
    /// `ngircd`, or `None` and a line for the tally.
    pub(crate) fn ngircd(test: &str) -> Option<Self> {
        has(test, "ngircd").then(|| Self::start(Directory::new(), start_ngircd))
    }

    /// `inspircd`, or `None` and a line for the tally.
    pub(crate) fn inspircd(test: &str) -> Option<Self> {
        has(test, "inspircd").then(|| Self::inspircd_in(Directory::new()))
    }

    /// `inspircd`, which reads more in a file `link.conf` if that is there.
    pub(crate) fn inspircd_in(directory: Directory) -> Self {
        Self::start(directory, start_inspircd)
    }

    fn start(directory: Directory, start: fn(&Path, u16) -> Command) -> Self {
        let port = free_port();
        let child = spawn(start(&directory.0, port));
        let mut server = Self { child, directory, port, start };
        server.wait_until_listening();
        server
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }

    /// Starts it again after a [`kill`](Self::kill), at the same place.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn((self.start)(&self.directory.0, self.port));
        self.wait_until_listening();
    }

    fn wait_until_listening(&mut self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if self.child.try_wait().expect("it is a child").is_some() || Instant::now() > end {
                self.kill();
                panic!("the server does not listen: {}", self.said());
            }
            std::thread::yield_now();
        }
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        if let Some(stdout) = &mut self.child.stdout {
            let _ = stdout.read_to_string(&mut said); // Whatever can be read.
        }
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("it is installed")
}

/// As root it becomes `nobody` by itself.
fn start_ngircd(directory: &Path, port: u16) -> Command {
    let none = directory.join("none");
    let config = format!(
        "[Global]\nName = irc.example.test\nInfo = A test\nListen = 127.0.0.1\nPorts = {port}\n\
         ServerUID = nobody\nServerGID = nogroup\nMotdPhrase = Hello\nAdminEMail = a@example.test\n\
         [Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 20\nMaxPenaltyTime = 0\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\nIncludeDir = {}\n",
        none.display()
    );
    let path = directory.join("ngircd.conf");
    std::fs::write(&path, config).expect("there is room for tests");
    let mut command = Command::new("ngircd");
    command.arg("--nodaemon").arg("--config").arg(path);
    command
}

/// The modules without which it has no capabilities, and what it needs to be linked with services.
fn start_inspircd(directory: &Path, port: u16) -> Command {
    let shown = directory.display();
    let modules: String =
        MODULES.iter().map(|name| format!("<module name=\"{name}\">\n")).collect();
    let config = format!(
        "<server name=\"irc.example.test\" description=\"A test\" network=\"Ropes\" id=\"000\">\n\
         <admin name=\"a\" nick=\"a\" email=\"a@example.test\">\n\
         <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
         <connect name=\"main\" allow=\"*\" timeout=\"60\" resolvehostnames=\"no\" fakelag=\"no\" threshold=\"10000\" localmax=\"1000\"\n\
          globalmax=\"1000\" pingfreq=\"120\" recvq=\"65536\" commandrate=\"100000\">\n\
         <log method=\"file\" target=\"{shown}/log\" type=\"*\" level=\"default\">\n\
         <dns server=\"127.0.0.1\" timeout=\"1\">\n{modules}\
         <include file=\"{shown}/link.conf\" missingokay=\"yes\">\n"
    );
    let path = directory.join("inspircd.conf");
    std::fs::write(&path, config).expect("there is room for tests");
    let mut command = Command::new("inspircd");
    command.args(["--nofork", "--runasroot", "--nopid", "--config"]).arg(path);
    command
}

const MODULES: &[&str] = &[
    "cap",
    "ircv3",
    "ircv3_accounttag",
    "ircv3_batch",
    "ircv3_capnotify",
    "ircv3_chghost",
    "ircv3_ctctags",
    "ircv3_echomessage",
    "ircv3_invitenotify",
    "ircv3_labeledresponse",
    "ircv3_servertime",
    "namesx",
    "uhnames",
    "setname",
];

/// A port that nobody listens on. Somebody else may take it before it is used; the test then says so.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Whether there is a program of that name. If not, a line for the tally says that `test` skipped.
pub(crate) fn has(test: &str, name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        return true;
    }
    let line = format!("{test}: {name} is not installed\n");
    if let Some(skips) = std::env::var_os("ROPEWALK_SKIPS") {
        let opened = OpenOptions::new().append(true).create(true).open(skips);
        let mut file = opened.expect("the tally can be written");
        file.write_all(line.as_bytes()).expect("the tally can be written");
    }
    false
}

impl Directory {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("ropewalk-irc-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("there is room for tests");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // It is in the temporary directory.
    }
}
