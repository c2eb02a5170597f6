//! `ropewalk dns`: a server of names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ropewalk::dns::server::{Server, ServerSettings};
use ropewalk::dns::zone::{Authority, Catalogue, Zone, read_zone};
use ropewalk::net::{ThreadPool, ThreadPoolLimits, on_signal};
use ropewalk::{Deferred, Failure, FailureKind, Reactor};

use crate::dns_elsewhere::Elsewhere;
use crate::program::{Crew, Opened, Place, Voice, endpoint_error, word_of};

/// What `ropewalk dns` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A zone to answer from, as often as wanted: a master file. Without a name the zone has that of its SOA. SIGHUP reads
    /// the files again
    #[arg(long, value_name = "[NAME=]FILE")]
    zone: Vec<ZoneFile>,
    /// Where to listen, as often as wanted: udp:53, tcp:53, tls:853:cert=cert.pem:key=key.pem. Without any, udp: and tcp:
    /// on port 5353 of this machine only
    #[arg(long, value_name = "ENDPOINT")]
    listen: Vec<String>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

/// Where the server listens if nothing is said.
const PLACES: [&str; 2] = ["udp:5353:interface=127.0.0.1", "tcp:5353:interface=127.0.0.1"];

/// A zone and its file.
#[derive(Clone, Debug)]
struct ZoneFile {
    name: Option<ropewalk::dns::Name>,
    path: PathBuf,
}

impl std::str::FromStr for ZoneFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, path)) = text.split_once('=') else {
            return Ok(Self { name: None, path: text.into() });
        };
        let name = name.parse().map_err(|error| format!("{name:?} is no name: {error}"))?;
        Ok(Self { name: Some(name), path: path.into() })
    }
}

impl ZoneFile {
    /// Reads the file; logs what the zone is warned of.
    fn read(&self) -> Result<Zone, Failure> {
        let file = self.path.display().to_string();
        let doing = |failure: Failure| failure.context(format!("read the zone file {file}"));
        let text = std::fs::read(&self.path);
        let text = text.map_err(|error| doing(Failure::from_error(FailureKind::System, error)))?;
        let read = read_zone(self.name.as_ref(), &file, &text, &mut include);
        let (zone, warnings) =
            read.map_err(|error| doing(Failure::from_error(FailureKind::Local, error)))?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(zone)
    }
}

/// Reads a file that another one includes: a path is relative to the directory of the file in which it is written.
fn include(path: &str, from: &str) -> Result<(String, Vec<u8>), String> {
    let directory = Path::new(from).parent().unwrap_or(Path::new(""));
    let path = directory.join(path);
    let file = path.display().to_string();
    let text = std::fs::read(&path).map_err(|error| format!("read {file}: {error}"))?;
    Ok((file, text))
}

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Common {
    catalogue: Catalogue,
}

/// Reads the zones.
pub(crate) fn prepare(options: &Options) -> Result<Common, Failure> {
    let catalogue = Catalogue::new();
    for zone in &options.zone {
        catalogue.put(Arc::new(zone.read()?));
    }
    Ok(Common { catalogue })
}

/// Opens every endpoint, with the same zones behind all of them.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
    common: &Common,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    if place.is_first() {
        reload_on_signal(reactor, options, common)?;
    }
    let authority = Authority::new(&common.catalogue);
    let responder = options.elsewhere.behind(authority, reactor)?;
    let server = Server::new(responder, ServerSettings::default());
    let listen = if options.listen.is_empty() {
        PLACES.map(str::to_owned).to_vec()
    } else {
        options.listen.clone()
    };
    let voice = Voice::beside(&listen, place);
    listen.iter().map(|text| open(reactor, text, &server, voice)).collect()
}

/// SIGHUP, by its number on every system that has it.
const SIGHUP: i32 = 1;

/// Reads the files again when told to, beside the loop: the zones that are there serve until the new ones are, and for
/// ever if those are bad.
fn reload_on_signal(reactor: &Reactor, options: &Options, common: &Common) -> Result<(), Failure> {
    let (files, catalogue) = (options.zone.clone(), common.catalogue.clone());
    let limits = ThreadPoolLimits { threads_max: 1, ..ThreadPoolLimits::default() };
    let pool = ThreadPool::new(reactor, limits);
    let watch = on_signal(reactor, SIGHUP, move || {
        let (files, catalogue) = (files.clone(), catalogue.clone());
        let reloaded = pool.defer_to_thread(move || {
            for file in files {
                match file.read() {
                    Ok(zone) => catalogue.put(Arc::new(zone)),
                    Err(failure) => tracing::error!("{failure}; the zone stays as it was"),
                }
            }
            Ok(())
        });
        drop(reloaded.add_errback(|failure| tracing::error!("reload: {failure}")));
    })?;
    watch.detach();
    Ok(())
}

fn open(
    reactor: &Reactor,
    text: &str,
    server: &Server,
    voice: Voice,
) -> Result<Deferred<Opened>, Failure> {
    let endpoints = ropewalk::endpoints(reactor);
    let word = word_of(text).to_owned();
    if endpoints.is_datagram(&word) {
        let endpoint = endpoints.datagram(text).map_err(endpoint_error)?;
        return Ok(reactor.open(&endpoint, server.datagrams()).add_callback(move |socket| {
            voice.announce(&word, &socket.host());
            Ok(None)
        }));
    }
    let endpoint = endpoints.server(text).map_err(endpoint_error)?;
    Ok(reactor.listen(&endpoint, server.streams()).add_callback(move |port| {
        voice.announce(&word, &port.host());
        Ok(Some(port))
    }))
}
