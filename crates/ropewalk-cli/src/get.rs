//! `ropewalk get`: fetches a URL, to standard output or into a file.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ropewalk::http::{Agent, AgentOptions, Ask, CookieJar, Response};
use ropewalk::net::{self, ThreadPool, ThreadPoolLimits};
use ropewalk::{Failure, FailureKind, Reactor};

use crate::progress::{Progress, Unit};
use crate::proxy::proxy_for;

/// What `ropewalk get` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to fetch: http://…, https://…, or unix:SOCKET:PATH
    url: String,
    /// Write to a file; what is there of it already is not fetched again if --resume is given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on where FILE ends
    #[arg(short, long, requires = "output")]
    resume: bool,
    /// Show the head of the answer, too
    #[arg(short, long)]
    include: bool,
    /// Ask with another method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// A header field to send, as often as wanted: "Accept: text/plain"
    #[arg(short = 'H', long, value_name = "FIELD")]
    header: Vec<String>,
    /// The body to send
    #[arg(short, long, value_name = "TEXT")]
    data: Option<String>,
    /// A forward proxy; else http_proxy, https_proxy and no_proxy of the environment
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Give up after so many seconds without the head of an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Do not follow redirects
    #[arg(long)]
    no_redirects: bool,
    /// No progress on the terminal
    #[arg(short, long)]
    quiet: bool,
}

/// Pieces of a body that are written to the file at a time, at the least.
const WRITE_BYTES: usize = 256 << 10;

/// Fetches, and is done.
pub(crate) fn run(driver: Option<&str>, options: Options) -> Result<(), Failure> {
    let main_loop = net::new_loop(driver)?;
    net::stop_on_signals(main_loop.reactor())?;
    let fetching = fetch(main_loop.reactor().clone(), options);
    main_loop.run_until(main_loop.reactor().spawn(fetching))
}

async fn fetch(reactor: Reactor, options: Options) -> Result<(), Failure> {
    let there = options.output.as_deref().filter(|_| options.resume).map_or(0, size_of_file);
    let agent = agent(&reactor, &options)?;
    let response = agent.ask(ask(&options, there)?).await?;
    if options.include {
        show_head(&response)?;
    }
    let status = response.status;
    if there > 0 {
        let range = response.header("content-range").unwrap_or_default();
        check_resumed(there, status.as_u16(), range)?;
        if status.as_u16() == 416 {
            return Ok(()); // Nothing is missing.
        }
    }
    if !status.is_success() && !status.is_redirection() && options.output.is_some() {
        response.error_for_status()?;
        return Ok(());
    }
    let is_part = status.as_u16() == 206;
    let mut sink = Sink::open(&reactor, &options, is_part && there > 0)?;
    let already = if is_part { there } else { 0 };
    let shows = options.output.is_some() && !options.quiet && io::stderr().is_terminal();
    let total = response.body.remaining().map(|left| left + already);
    let mut progress = Progress::new(&reactor, Unit::Bytes, total, already, shows);
    while let Some(piece) = response.body.next().await? {
        progress.advance(piece.len());
        sink.write(&piece).await?;
    }
    sink.finish().await?;
    progress.finish();
    if status.is_client_error() || status.is_server_error() {
        let what = format!("{} answered {status}", options.url);
        return Err(Failure::new(FailureKind::Peer, what));
    }
    Ok(())
}

/// Whether what the server says of its part goes with the `there` bytes of it that are here already: anything else
/// would make a file of two.
fn check_resumed(there: u64, status: u16, range: &str) -> Result<(), Failure> {
    let (part, whole) = range.trim_start_matches("bytes ").split_once('/').unwrap_or(("", ""));
    let fits = match status {
        206 => part.split('-').next().and_then(|first| first.parse().ok()) == Some(there),
        416 => whole.parse().map_or(true, |whole: u64| whole == there),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let what = format!("there is another file than before ({range:?}): fetch it without --resume");
    Err(Failure::new(FailureKind::Peer, what))
}

fn size_of_file(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn agent(reactor: &Reactor, options: &Options) -> Result<Agent, Failure> {
    let given = options
        .proxy
        .clone()
        .or_else(|| proxy_for(&with_scheme(&options.url), |name| std::env::var(name).ok()));
    let proxy = given.map(|url| {
        url.parse().map_err(|error| {
            Failure::new(FailureKind::Local, format!("the proxy {url:?} is no URL: {error}"))
        })
    });
    Ok(Agent::with_options(
        reactor,
        ropewalk::endpoints(reactor),
        AgentOptions {
            head_timeout: Duration::from_secs(options.timeout),
            redirects_max: if options.no_redirects {
                0
            } else {
                AgentOptions::default().redirects_max
            },
            cookies: Some(CookieJar::new()),
            proxy: proxy.transpose()?,
            ..ropewalk::agent_options()
        },
    ))
}

fn ask(options: &Options, there: u64) -> Result<Ask, Failure> {
    let local = |why: String| Failure::new(FailureKind::Local, why);
    let method = options.method.to_ascii_uppercase();
    let method = if options.data.is_some() && method == "GET" { "POST".to_owned() } else { method };
    let method = method.parse().map_err(|_| local(format!("{method:?} is no method")))?;
    let mut ask = Ask::new(method, &with_scheme(&options.url))?;
    for field in &options.header {
        let (name, value) =
            field.split_once(':').ok_or_else(|| local(format!("{field:?} is no header field")))?;
        let name: ropewalk::http::HeaderName =
            name.trim().parse().map_err(|_| local(format!("{name:?} is no field's name")))?;
        let value =
            value.trim().parse().map_err(|_| local(format!("{value:?} is no field's value")))?;
        ask.headers.append(name, value);
    }
    if there > 0 {
        let range = format!("bytes={there}-").parse().map_err(|_| local("no range".to_owned()))?;
        ask.headers.insert("range", range);
    }
    if let Some(data) = &options.data {
        ask.headers.entry("content-type").or_insert(ropewalk::http::HeaderValue::from_static(
            "application/x-www-form-urlencoded",
        ));
        ask.content = data.clone().into();
    }
    Ok(ask)
}

/// A host alone is meant to be asked by HTTP.
fn with_scheme(url: &str) -> String {
    let has_scheme = url.contains("://") || url.starts_with("unix:");
    if has_scheme { url.to_owned() } else { format!("http://{url}") }
}

fn show_head(response: &Response) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:?} {}", response.version, response.status)?;
    for (name, value) in &response.headers {
        writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
    }
    writeln!(out)
}

/// Where the body goes. A file is written by a thread: a disk may be slow.
enum Sink {
    Output,
    File { pool: ThreadPool, file: Option<File>, waiting: Vec<u8>, name: PathBuf },
}

impl Sink {
    fn open(reactor: &Reactor, options: &Options, appends: bool) -> Result<Self, Failure> {
        let Some(path) = &options.output else { return Ok(Self::Output) };
        let mut how = OpenOptions::new();
        how.write(true).create(true).append(appends).truncate(!appends);
        let file = how.open(path).map_err(|error| about(path, error))?;
        let pool = ThreadPool::new(reactor, ThreadPoolLimits { threads_max: 1, jobs_max: 1 });
        Ok(Self::File { pool, file: Some(file), waiting: Vec::new(), name: path.clone() })
    }

    async fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Output => Ok(io::stdout().write_all(piece)?),
            Self::File { waiting, .. } => {
                waiting.extend_from_slice(piece);
                if waiting.len() < WRITE_BYTES { Ok(()) } else { self.flush().await }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let Self::File { pool, file, waiting, name } = self else { return Ok(()) };
        let Some(mut open) = file.take() else { return Ok(()) };
        let bytes = std::mem::take(waiting);
        let written = pool.defer_to_thread(move || {
            let result = open.write_all(&bytes);
            Ok((open, result))
        });
        let (open, result) = written.await?;
        *file = Some(open);
        result.map_err(|error| about(name, error))
    }

    async fn finish(mut self) -> Result<(), Failure> {
        self.flush().await?;
        Ok(io::stdout().flush()?)
    }
}

fn about(path: &Path, error: io::Error) -> Failure {
    Failure::from(error).context(format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{check_resumed, with_scheme};

    #[test]
    fn a_part_is_appended_only_where_it_belongs() {
        for (status, range) in [(206, "bytes 5-9/10"), (416, "bytes */5"), (416, ""), (200, "")] {
            assert!(check_resumed(5, status, range).is_ok(), "{status} {range}");
        }
        for (status, range) in [(206, "bytes 0-9/10"), (206, ""), (416, "bytes */3")] {
            assert!(check_resumed(5, status, range).is_err(), "{status} {range}");
        }
    }

    #[test]
    fn a_host_alone_is_asked_by_http() {
        assert_eq!(with_scheme("example.com/a"), "http://example.com/a");
        assert_eq!(with_scheme("https://example.com"), "https://example.com");
        assert_eq!(with_scheme("unix:/run/x:/a"), "unix:/run/x:/a");
    }
}
