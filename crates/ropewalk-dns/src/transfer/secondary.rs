//! [`Secondary`]: a zone kept as its primary has it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{
    ClientEndpoint, Deferred, Failure, FailureKind, Reactor, Time, defer_later, race,
};

use super::bell::Bells;
use super::beside::Beside;
use super::fetch::{FetchLimits, Wanted, fetch};
use super::incoming::Came;
use crate::tsig::TsigKey;
use crate::wire_name::Shown;
use crate::zone::{Catalogue, Difference, SharedZone, Zone};

/// A zone that is kept as its primary has it: looked for as often as its SOA says, when a NOTIFY comes, and sooner when
/// that failed. Too old, it is taken out of service (RFC 1034, section 4.3.5).
///
/// Dropping it leaves it at work until the reactor stops; [`stop`](Self::stop) ends it.
pub struct Secondary(Deferred<()>);

/// Where a zone comes from, and where it goes.
pub struct SecondarySettings {
    /// Its name, in wire form.
    pub apex: Box<[u8]>,
    /// Who has it: the first who answers is asked.
    pub primaries: Vec<Primary>,
    /// The version that is there, and how long ago it was as the primary had it. Default none.
    pub kept: Option<(SharedZone, Duration)>,
    /// Told of each version that is new, and when there is none newer: to keep it, to tell others.
    pub on_version: Box<dyn Fn(&SharedZone, IsNew)>,
    /// Its bell is hung up in these by who knows the primaries' addresses.
    pub bells: Bells,
    /// What tells the date, for signatures: `SystemTime::now`, but in tests.
    pub calendar: fn() -> SystemTime,
    /// What a transfer may take.
    pub limits: FetchLimits,
    /// Where zones are put together.
    pub beside: Beside,
}

/// Whether a version has just come, or was there and is the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsNew {
    /// It has just come.
    Yes,
    /// It was there, and there is none newer.
    No,
}

/// Who has a zone.
#[derive(Clone)]
pub struct Primary {
    /// How to connect to it.
    pub endpoint: Rc<dyn ClientEndpoint>,
    /// The key to sign with, if it wants that.
    pub key: Option<TsigKey>,
}

/// The least time between two looks: a SOA that says less would be a flood.
const REFRESH_MIN: Duration = Duration::from_secs(5);

/// How soon after a failure a zone is asked for of which there is no version yet; twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// And at most.
const FIRST_RETRY_MAX: Duration = Duration::from_secs(600);

impl Secondary {
    /// Begins to keep a zone in `catalogue`. Until there is a version of it, questions for it are answered with SERVFAIL.
    pub fn start(reactor: &Reactor, catalogue: &Catalogue, settings: SecondarySettings) -> Self {
        let mut keeper = Keeper {
            reactor: reactor.clone(),
            catalogue: catalogue.clone(),
            zone: None,
            expires: Time::NEVER,
            failures: 0,
            settings,
        };
        keeper.begin();
        Self(reactor.spawn(async move { keeper.keep().await }))
    }

    /// Looks for newer versions no more; the one that is there stays.
    pub fn stop(self) {
        self.0.cancel();
    }
}

struct Keeper {
    reactor: Reactor,
    catalogue: Catalogue,
    settings: SecondarySettings,
    zone: Option<SharedZone>,
    expires: Time,
    failures: u32,
}

impl Keeper {
    fn begin(&mut self) {
        match self.settings.kept.take() {
            Some((zone, age)) if age < zone.soa().expire => {
                self.expires = self.reactor.now() + (zone.soa().expire - age);
                self.catalogue.put(zone.clone());
                self.zone = Some(zone);
            }
            _ => self.catalogue.put_absent(&self.settings.apex),
        }
    }

    async fn keep(&mut self) -> Result<(), Failure> {
        loop {
            match self.look().await {
                Ok(()) => self.failures = 0,
                Err(failure) if failure.is(FailureKind::Stopped) => return Err(failure),
                Err(failure) => {
                    self.failures = self.failures.saturating_add(1);
                    let name = Shown(&self.settings.apex);
                    tracing::warn!(target: "ropewalk::dns", "secondary zone {name}: {failure}");
                }
            }
            self.rest().await?;
        }
    }

    /// Asks the primaries, one after the other.
    async fn look(&mut self) -> Result<(), Failure> {
        let mut last = Failure::new(FailureKind::Local, "it has no primaries");
        for primary in self.settings.primaries.clone() {
            let wanted = Wanted {
                apex: self.settings.apex.clone(),
                have: self.zone.clone(),
                key: primary.key.clone(),
                calendar: self.settings.calendar,
                limits: self.settings.limits,
            };
            match fetch(&self.reactor, &*primary.endpoint, wanted).await {
                Ok(came) => return self.take(came).await,
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// Puts what has come into the catalogue.
    async fn take(&mut self, came: Came) -> Result<(), Failure> {
        let (apex, before) = (self.settings.apex.clone(), self.zone.clone());
        let catalogue = self.catalogue.clone();
        let put = move || put(&apex, came, before.as_ref(), &catalogue);
        match self.settings.beside.run(put).await? {
            Ok(Some(zone)) => {
                self.note(&zone, IsNew::Yes);
                self.zone = Some(zone);
            }
            Ok(None) => {
                if let Some(zone) = self.zone.clone() {
                    self.note(&zone, IsNew::No);
                }
            }
            Err(failure) => {
                // Whatever there is, it was not for that; the next look is for the whole zone.
                self.zone = None;
                return Err(failure);
            }
        }
        Ok(())
    }

    /// A version is as the primary has it, now.
    fn note(&mut self, zone: &SharedZone, is_new: IsNew) {
        if is_new == IsNew::No && self.catalogue.zone(zone.apex()).is_none() {
            self.catalogue.put(zone.clone()); // It had been too old.
        }
        self.expires = self.reactor.now() + zone.soa().expire;
        (self.settings.on_version)(zone, is_new);
    }

    /// Waits until it is time to look, or the bell is rung; meanwhile the zone may become too old.
    async fn rest(&mut self) -> Result<(), Failure> {
        let now = self.reactor.now();
        let look = now + self.pause();
        if self.expires <= look {
            if self.rang_before(self.expires).await? {
                return Ok(());
            }
            self.expires = Time::NEVER;
            self.catalogue.put_absent(&self.settings.apex);
            let name = Shown(&self.settings.apex);
            tracing::error!(target: "ropewalk::dns", "secondary zone {name} is too old to be served");
        }
        self.rang_before(look).await.map(drop)
    }

    /// Whether the bell is rung before it is this time.
    async fn rang_before(&self, time: Time) -> Result<bool, Failure> {
        let (bells, apex) = (self.settings.bells.clone(), self.settings.apex.clone());
        let rung = self.reactor.spawn(async move {
            bells.wait(&apex.to_ascii_lowercase()).await;
            Ok(true)
        });
        let slept = defer_later(&self.reactor, time.since(self.reactor.now()), || Ok(false));
        race(vec![rung, slept]).await.map(|(_, rang)| rang)
    }

    /// How long to wait before the next look.
    fn pause(&self) -> Duration {
        match &self.zone {
            Some(zone) if self.failures == 0 => zone.soa().refresh.max(REFRESH_MIN),
            Some(zone) => zone.soa().retry.max(REFRESH_MIN),
            None => {
                let doubled = 1 << self.failures.saturating_sub(1).min(16);
                (FIRST_RETRY * doubled).min(FIRST_RETRY_MAX)
            }
        }
    }
}

/// Puts the version into the catalogue that has come, or that has come of the one before; `None` if that is the last.
fn put(
    apex: &[u8],
    came: Came,
    before: Option<&SharedZone>,
    catalogue: &Catalogue,
) -> Result<Option<SharedZone>, Failure> {
    let records = match (came, before) {
        (Came::UpToDate, _) => return Ok(None),
        (Came::Whole(records), _) => records,
        (Came::Differences(all), Some(zone)) => match Difference::apply(&all, zone) {
            Some(records) => records,
            None => return Err(not_for_it()),
        },
        (Came::Differences(_), None) => return Err(not_for_it()),
    };
    let made = Zone::new(apex, records);
    let (zone, _) = made.map_err(|error| Failure::from_error(FailureKind::Peer, error))?;
    let zone = Arc::new(zone);
    catalogue.put(zone.clone());
    Ok(Some(zone))
}

fn not_for_it() -> Failure {
    Failure::new(FailureKind::Peer, "the differences are not for the version that is here")
}
