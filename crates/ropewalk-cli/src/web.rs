//! `ropewalk web`: the files of a directory over HTTP.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use ropewalk::http::HttpFactory;
use ropewalk::net::{Directory, Symlinks, ThreadPool, ThreadPoolLimits};
use ropewalk::web::{AccessLog, AccessLogForm, Compression, Files, FilesOptions, Site};
use ropewalk::{Deferred, Failure, Reactor, ShutdownPart};

use crate::program::{Crew, Opened, Place, Voice, endpoint_error, word_of};

/// What `ropewalk web` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory to serve
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// Where to listen, as often as wanted: tcp:8080, tls:8443:cert=cert.pem:key=key.pem, unix:/run/web.sock
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp:8080:interface=127.0.0.1")]
    listen: Vec<String>,
    /// Do not show what is in a directory without an index.html
    #[arg(long)]
    no_listing: bool,
    /// Compress text for browsers that take it
    #[arg(long)]
    compress: bool,
    /// Where symbolic links may lead
    #[arg(long, value_name = "HOW", value_enum, default_value = "within")]
    symlinks: Links,
    /// A line for each request on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value = "combined")]
    log: Log,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Links {
    Refuse,
    Within,
    Follow,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Log {
    Combined,
    Json,
    Off,
}

/// How long answers that are under way may take when the program is to stop: a little less than the reactor
/// waits for everything.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);

/// Opens every endpoint, with one site behind all of them.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    let factory = site(reactor, options)?.into_factory();
    let endpoints = ropewalk::endpoints(reactor);
    let voice = Voice::beside(&options.listen, place);
    let mut opening = Vec::new();
    for text in &options.listen {
        let endpoint = endpoints.server(text).map_err(endpoint_error)?;
        let word = word_of(text).to_owned();
        opening.push(reactor.listen(&endpoint, factory.clone()).add_callback(move |port| {
            voice.announce(&word, &port.host());
            Ok(Some(port))
        }));
    }
    drain_at_the_end(reactor, factory);
    Ok(opening)
}

fn site(reactor: &Reactor, options: &Options) -> Result<Site, Failure> {
    let pool = ThreadPool::new(reactor, ThreadPoolLimits::default());
    let symlinks = match options.symlinks {
        Links::Refuse => Symlinks::Refuse,
        Links::Within => Symlinks::Within,
        Links::Follow => Symlinks::Follow,
    };
    let directory = Directory::open(&pool, &options.path, symlinks)?;
    let shown = FilesOptions { listing: !options.no_listing, ..FilesOptions::default() };
    let mut site = Site::new(Files::with_options(directory, shown));
    site.compression = options.compress.then(Compression::default);
    site.log = match options.log {
        Log::Combined => Some(AccessLog::new(AccessLogForm::Combined, say)),
        Log::Json => Some(AccessLog::new(AccessLogForm::Json, say)),
        Log::Off => None,
    };
    Ok(site)
}

/// That nobody reads the log is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Connections end after the answer that is under way.
fn drain_at_the_end(reactor: &Reactor, factory: HttpFactory) {
    let stopping = reactor.clone();
    reactor.add_system_event_trigger(ShutdownPart::Before, move || {
        factory.drain(&stopping, DRAIN_TIMEOUT)
    });
}
