//! A site, asked in memory or over a real socket.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ropewalk_core::{Address, Deferred, Failure, Loop};
use ropewalk_http::{Agent, AgentOptions, Ask, HttpFactory, Method, Response};
use ropewalk_net::{ThreadPool, ThreadPoolLimits, new_loop};
use ropewalk_testing::Conversation;
use ropewalk_web::{Resource, Site};

/// A site in memory.
pub(crate) fn site(root: impl Resource) -> Conversation<HttpFactory> {
    Conversation::new(Site::new(root).into_factory())
}

/// What the site says to a request without a body.
pub(crate) fn ask(
    site: &Conversation<HttpFactory>,
    method: &str,
    target: &str,
    fields: &str,
) -> String {
    send(site, &format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"))
}

pub(crate) fn get(site: &Conversation<HttpFactory>, target: &str) -> String {
    ask(site, "GET", target, "")
}

pub(crate) fn send(site: &Conversation<HttpFactory>, request: &str) -> String {
    let before = site.written().len();
    site.feed(request.as_bytes());
    String::from_utf8_lossy(&site.written()[before..]).into_owned()
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A real loop, with an agent on it and sites that it serves.
pub(crate) struct World {
    pub(crate) main_loop: Loop,
    pub(crate) agent: Agent,
    pub(crate) pool: ThreadPool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(AgentOptions { redirects_max: 0, decompress: false, ..AgentOptions::default() })
    }

    pub(crate) fn with(options: AgentOptions) -> Self {
        let main_loop = new_loop(None).expect("a driver");
        let endpoints = ropewalk_net::endpoints(main_loop.reactor());
        let agent = Agent::with_options(main_loop.reactor(), endpoints, options);
        let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
        Self { main_loop, agent, pool }
    }

    /// Serves a site; gives its URL, without a slash at its end.
    pub(crate) fn serve(&self, root: impl Resource) -> String {
        self.serve_site(Site::new(root))
    }

    pub(crate) fn serve_site(&self, site: Site) -> String {
        let reactor = self.main_loop.reactor();
        let endpoint = ropewalk_net::endpoints(reactor)
            .server("tcp:0:interface=127.0.0.1")
            .expect("an endpoint");
        let port = self.run(reactor.listen(&endpoint, site.into_factory())).expect("a port");
        match port.host() {
            Address::Ip(address) => format!("http://{address}"),
            other => panic!("a TCP port is at {other}"),
        }
    }

    pub(crate) fn run<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        self.main_loop.run_until(deferred)
    }

    pub(crate) fn ask(
        &self,
        method: Method,
        url: &str,
        fields: &[(&'static str, &str)],
    ) -> Response {
        let mut ask = Ask::new(method, url).expect("a URL");
        for (name, value) in fields {
            ask.headers.append(*name, value.parse().expect("a value"));
        }
        self.run(self.agent.ask(ask)).expect("an answer")
    }

    pub(crate) fn get(&self, url: &str) -> (u16, String) {
        self.read(self.ask(Method::GET, url, &[]))
    }

    pub(crate) fn read(&self, response: Response) -> (u16, String) {
        let status = response.status.as_u16();
        (status, self.run(response.text(64 << 20)).expect("a body"))
    }
}

/// A directory that goes with the test.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("ropewalk-web-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a directory");
        }
        fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a program is there; if not, the test is noted as skipped.
pub(crate) fn has(test: &str, name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    if !found && let Some(file) = std::env::var_os("ROPEWALK_SKIPS") {
        let opened = fs::OpenOptions::new().create(true).append(true).open(file);
        let line = format!("{test}: there is no {name}\n");
        opened
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file can be written");
    }
    found
}
