//! The zones that `ropewalk dns` keeps as their primaries have them.

use std::rc::Rc;
use std::time::SystemTime;

use ropewalk::dns::server::{Access, Grant};
use ropewalk::dns::transfer::{
    Bells, Beside, FetchLimits, IsNew, Primary, Secondary, SecondarySettings,
};
use ropewalk::dns::zone::SharedZone;
use ropewalk::net::{ThreadPool, ThreadPoolLimits};
use ropewalk::{Failure, Reactor};

use super::addresses::{SecondaryOf, find_key, just};
use super::zone_file::ZoneFile;
use super::{Common, Notifiers, Options};
use crate::program::endpoint_error;

/// Hangs up the bell that the primary rings: from its address, or with its key.
pub(super) fn hang_bell(
    options: &Options,
    secondary: &SecondaryOf,
    bells: &Bells,
) -> Result<(), Failure> {
    let mut primaries = vec![just(secondary.primary.ip())];
    if let Some(name) = &secondary.key {
        primaries.push(Grant::Key(find_key(&options.tsig_key, name)?.name().into()));
    }
    bells.hang(secondary.zone.as_slice(), Access::new(primaries));
    Ok(())
}

/// Begins to keep them.
pub(super) fn start(
    reactor: &Reactor,
    options: &Options,
    common: &Common,
    notifiers: &Notifiers,
) -> Result<(), Failure> {
    let limits = ThreadPoolLimits { threads_max: 1, ..ThreadPoolLimits::default() };
    let pool = ThreadPool::new(reactor, limits);
    for secondary in &options.secondary {
        let file = options.state.as_ref().map(|state| ZoneFile::kept(state, &secondary.zone));
        let settings = SecondarySettings {
            apex: secondary.zone.as_slice().into(),
            primaries: vec![primary(reactor, options, secondary)?],
            kept: file.as_ref().and_then(kept),
            on_version: on_version(&pool, file, notifiers),
            bells: common.bells.clone(),
            calendar: SystemTime::now,
            limits: FetchLimits::default(),
            beside: beside(&pool),
        };
        drop(Secondary::start(reactor, &common.catalogue, settings));
    }
    Ok(())
}

fn primary(
    reactor: &Reactor,
    options: &Options,
    secondary: &SecondaryOf,
) -> Result<Primary, Failure> {
    let (ip, port) = (secondary.primary.ip(), secondary.primary.port());
    let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
    let endpoint = ropewalk::endpoints(reactor).client(&format!("tcp:{host}:{port}"));
    let key = secondary.key.as_ref().map(|name| find_key(&options.tsig_key, name)).transpose()?;
    Ok(Primary { endpoint: endpoint.map_err(endpoint_error)?, key })
}

/// Zones are put together by the thread that writes them.
fn beside(pool: &ThreadPool) -> Beside {
    let pool = pool.clone();
    Beside::new(move |job| {
        pool.defer_to_thread(move || {
            job();
            Ok(())
        })
    })
}

/// The zone as it was kept, if it can be read; it is read before anything is served, so it holds nobody up.
fn kept(file: &ZoneFile) -> Option<(SharedZone, std::time::Duration)> {
    let age = file.age()?;
    match file.read() {
        Ok(zone) => Some((zone.into(), age)),
        Err(failure) => {
            tracing::warn!("{failure}; it is asked for");
            None
        }
    }
}

/// Keeps each version in its file, and tells others of it.
fn on_version(
    pool: &ThreadPool,
    file: Option<ZoneFile>,
    notifiers: &Notifiers,
) -> Box<dyn Fn(&SharedZone, IsNew)> {
    let (pool, notifiers, file) = (pool.clone(), notifiers.clone(), Rc::new(file));
    Box::new(move |zone, is_new| {
        if is_new == IsNew::Yes {
            notifiers.notify(zone);
        }
        let Some(file) = (*file).clone() else { return };
        let zone = zone.clone();
        let written = pool.defer_to_thread(move || match is_new {
            IsNew::Yes => file.write(&zone),
            IsNew::No => file.touch(),
        });
        drop(written.add_errback(|failure| tracing::error!("keep a zone: {failure}")));
    })
}
