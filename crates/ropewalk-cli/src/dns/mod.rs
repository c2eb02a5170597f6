//! `ropewalk dns`: a server of names.

mod addresses;
mod elsewhere;
mod log;
mod secondaries;
mod zone_file;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use ropewalk::dns::server::{
    Access, CookieSecret, Grant, Network, RateLimitSettings, Server, ServerSettings,
};
use ropewalk::dns::transfer::{Bells, Notifier};
use ropewalk::dns::zone::{Authority, AuthoritySettings, Catalogue, SharedZone};
use ropewalk::dns::{KeyRing, Random, TsigKey};
use ropewalk::net::{ThreadPool, ThreadPoolLimits, on_signal};
use ropewalk::{Address, Deferred, Failure, Reactor};

use addresses::{SecondaryOf, parse_grant, parse_server};
use elsewhere::Elsewhere;
use zone_file::ZoneFile;

use crate::program::{Crew, Opened, Place, Voice, endpoint_error, open_datagrams, word_of};

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
    /// A zone to keep as its primary has it, as often as wanted; KEY is the name of a --tsig-key
    #[arg(long, value_name = "ZONE=ADDRESS[:PORT][#KEY]")]
    secondary: Vec<SecondaryOf>,
    /// Keep the zones of --secondary in this directory, and serve them from there after a restart
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Who may have whole zones (AXFR, IXFR), as often as wanted: a network, or key: and the name of a --tsig-key
    #[arg(long, value_name = "NETWORK|key:NAME", value_parser = parse_grant)]
    transfer_to: Vec<Grant>,
    /// Tell these secondaries when a zone has changed (NOTIFY), as often as wanted
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = parse_server)]
    notify: Vec<SocketAddr>,
    /// A secret shared with other servers, as often as wanted; the secret is in base64, the algorithm hmac-sha256 if it is not
    /// said
    #[arg(long, value_name = "[ALGORITHM:]NAME:SECRET")]
    tsig_key: Vec<TsigKey>,
    /// Who may ask, as often as wanted; without any, everybody
    #[arg(long, value_name = "NETWORK")]
    allow: Vec<Network>,
    /// Give a network (IPv4 /24, IPv6 /56) at most so many answers of a kind in a second by UDP; every other one of those too many
    /// says only that it is truncated
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Write a line for each query to this file
    #[arg(long, value_name = "FILE")]
    query_log: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

/// Where the server listens if nothing is said.
const PLACES: [&str; 2] = ["udp:5353:interface=127.0.0.1", "tcp:5353:interface=127.0.0.1"];

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Common {
    catalogue: Catalogue,
    bells: Bells,
    cookies: CookieSecret,
}

/// Reads the zones.
pub(crate) fn prepare(options: &Options) -> Result<Common, Failure> {
    let (catalogue, bells) = (Catalogue::new(), Bells::default());
    for zone in &options.zone {
        catalogue.put(Arc::new(zone.read()?));
    }
    for secondary in &options.secondary {
        secondaries::hang_bell(options, secondary, &bells)?;
    }
    Ok(Common { catalogue, bells, cookies: CookieSecret::new() })
}

/// Opens every endpoint, with the same zones behind all of them.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
    common: &Common,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    if place.is_first() {
        let notifiers = Notifiers::open(reactor, &options.notify, &common.catalogue)?;
        reload_on_signal(reactor, options, common, &notifiers)?;
        secondaries::start(reactor, options, common, &notifiers)?;
    }
    let transfer_to = Access::new(options.transfer_to.clone());
    let settings = AuthoritySettings { transfer_to, bells: common.bells.clone() };
    let authority = Authority::with_settings(&common.catalogue, settings);
    let responder = options.elsewhere.behind(authority, reactor)?;
    let server = Server::new(responder, options.server_settings(reactor, common)?);
    let listen = if options.listen.is_empty() {
        PLACES.map(str::to_owned).to_vec()
    } else {
        options.listen.clone()
    };
    let voice = Voice::beside(&listen, place);
    listen.iter().map(|text| open(reactor, text, &server, voice)).collect()
}

impl Options {
    fn server_settings(
        &self,
        reactor: &Reactor,
        common: &Common,
    ) -> Result<ServerSettings, Failure> {
        let access = match &self.allow[..] {
            [] => Access::everybody(),
            some => Access::new(some.iter().copied().map(Grant::Network).collect()),
        };
        let keys = KeyRing::new(self.tsig_key.clone(), SystemTime::now);
        let per_second = self.rate_limit.unwrap_or(0);
        let rate_limit = RateLimitSettings { per_second, ..RateLimitSettings::default() };
        let query_log =
            self.query_log.as_deref().map(|path| log::open(reactor, path)).transpose()?;
        let cookies = common.cookies.clone();
        let defaults = ServerSettings::default();
        Ok(ServerSettings { access, keys, rate_limit, query_log, cookies, ..defaults })
    }
}

/// Who is told of new versions: the secondaries with IPv4 addresses, and those with IPv6.
#[derive(Clone)]
pub(crate) struct Notifiers(Vec<Notifier>);

impl Notifiers {
    /// Opens their sockets. Who has missed a change while this program was not there hears of it then.
    fn open(
        reactor: &Reactor,
        targets: &[SocketAddr],
        catalogue: &Catalogue,
    ) -> Result<Self, Failure> {
        let (v4, v6): (Vec<SocketAddr>, Vec<_>) = targets.iter().partition(|to| to.is_ipv4());
        let endpoints = ropewalk::endpoints(reactor);
        let mut notifiers = Vec::new();
        for (text, targets) in [("udp:0:interface=0.0.0.0", v4), ("udp:0:interface=[::]", v6)] {
            if targets.is_empty() {
                continue;
            }
            let endpoint = endpoints.datagram(text).map_err(endpoint_error)?;
            let targets = targets.into_iter().map(Address::Ip).collect();
            let first_id = Random::new().u16();
            let (notifier, opened) = Notifier::open(reactor, &*endpoint, targets, first_id);
            let (telling, catalogue) = (notifier.clone(), catalogue.clone());
            let told = opened.add_callback(move |()| {
                catalogue.all().iter().for_each(|zone| telling.notify(zone));
            });
            drop(told.add_errback(|failure| tracing::error!("notify secondaries: {failure}")));
            notifiers.push(notifier);
        }
        Ok(Self(notifiers))
    }

    pub(crate) fn notify(&self, zone: &SharedZone) {
        self.0.iter().for_each(|notifier| notifier.notify(zone));
    }
}

/// SIGHUP, by its number on every system that has it.
const SIGHUP: i32 = 1;

/// Reads the files again when told to, beside the loop: the zones that are there serve until the new ones are, and for
/// ever if those are bad.
fn reload_on_signal(
    reactor: &Reactor,
    options: &Options,
    common: &Common,
    notifiers: &Notifiers,
) -> Result<(), Failure> {
    let (files, catalogue) = (options.zone.clone(), common.catalogue.clone());
    let limits = ThreadPoolLimits { threads_max: 1, ..ThreadPoolLimits::default() };
    let pool = ThreadPool::new(reactor, limits);
    let notifiers = notifiers.clone();
    let watch = on_signal(reactor, SIGHUP, move || {
        let (files, catalogue, notifiers) = (files.clone(), catalogue.clone(), notifiers.clone());
        let reloaded = pool.defer_to_thread(move || Ok(reload(&files, &catalogue)));
        let told = reloaded
            .add_callback(move |newer| newer.iter().for_each(|zone| notifiers.notify(zone)));
        drop(told.add_errback(|failure| tracing::error!("reload: {failure}")));
    })?;
    watch.detach();
    Ok(())
}

/// Reads the files; gives the zones that have a newer serial number.
fn reload(files: &[ZoneFile], catalogue: &Catalogue) -> Vec<SharedZone> {
    let mut newer = Vec::new();
    for file in files {
        match file.read().map(Arc::new) {
            Ok(zone) => {
                let before = catalogue.zone(zone.apex()).map(|before| before.soa().serial);
                let is_newer = catalogue.put(zone.clone());
                if is_newer {
                    newer.push(zone);
                } else if before != Some(zone.soa().serial) {
                    tracing::warn!(
                        "{file}: the serial number went backwards: secondaries keep what they have"
                    );
                }
            }
            Err(failure) => tracing::error!("{failure}; the zone stays as it was"),
        }
    }
    newer
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
        return open_datagrams(reactor, text, server.datagrams(), voice);
    }
    let endpoint = endpoints.server(text).map_err(endpoint_error)?;
    let limits = Server::connection_limits();
    let port = reactor.listen_with_limits(&endpoint, server.streams(), limits);
    Ok(port.add_callback(move |port| {
        voice.announce(&word, &port.host());
        Ok(Some(port))
    }))
}
