//! [`Authority`]: what answers from the zones of a [`Catalogue`], on one reactor.

use std::cell::RefCell;
use std::sync::Arc;

use domain::base::iana::{Class, Opcode, OptRcode, Rtype};

use super::catalogue::{Catalogue, Entry, Zones};
use super::zone::Zone;
use crate::server::{Access, Answer, Query, Responder, Verdict};
use crate::transfer::{Bells, Transfer};

/// Answers from the zones of a [`Catalogue`]: questions, transfers, and notes that a zone has changed.
pub struct Authority {
    catalogue: Catalogue,
    settings: AuthoritySettings,
    seen: RefCell<(u64, Arc<Zones>)>,
}

/// Who may do more than ask.
#[derive(Clone, Debug, Default)]
pub struct AuthoritySettings {
    /// Who may have whole zones (AXFR, IXFR). Default nobody: a zone's names are not everybody's to list.
    pub transfer_to: Access,
    /// What is rung when a primary says that a zone has changed (NOTIFY). By default nobody listens.
    pub bells: Bells,
}

impl Authority {
    /// Answers from `catalogue`.
    pub fn new(catalogue: &Catalogue) -> Self {
        Self::with_settings(catalogue, AuthoritySettings::default())
    }

    /// Answers from `catalogue`, and does more for some.
    pub fn with_settings(catalogue: &Catalogue, settings: AuthoritySettings) -> Self {
        let seen = RefCell::new((u64::MAX, Arc::default()));
        Self { catalogue: catalogue.clone(), settings, seen }
    }

    /// Whether there is a zone for the query, so that it is for others to answer if not.
    pub fn has(&self, query: &Query<'_>) -> bool {
        self.zones(|zones| zones.find(query.lowercase_name(), false).is_some())
    }

    fn zones<R>(&self, look: impl FnOnce(&Zones) -> R) -> R {
        let version = self.catalogue.version();
        let mut seen = self.seen.borrow_mut();
        if seen.0 != version {
            *seen = (version, self.catalogue.zones());
        }
        look(&seen.1)
    }

    fn answer(&self, query: &Query<'_>, answer: &mut Answer<'_>) {
        self.zones(|zones| {
            let name = query.lowercase_name();
            // A delegation's DS is its parent's, so it is looked for there first.
            let above = (query.rtype() == Rtype::DS).then(|| zones.find(name, true)).flatten();
            match above.or_else(|| zones.find(name, false)) {
                Some(Entry::Zone(zone, _)) => Zone::answer(zone, query, answer),
                Some(Entry::Absent) => answer.set_rcode(OptRcode::SERVFAIL),
                None => answer.set_rcode(OptRcode::REFUSED),
            }
        });
    }

    /// Gives a zone away, or how it has changed.
    fn transfer(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        if !self.settings.transfer_to.permits(query.origin()) {
            answer.set_rcode(OptRcode::REFUSED);
            return Verdict::Answered;
        }
        self.zones(|zones| match zones.get(query.lowercase_name()) {
            Some(Entry::Zone(zone, journal)) => Transfer::begin(zone, journal, query, answer),
            Some(Entry::Absent) => {
                answer.set_rcode(OptRcode::SERVFAIL);
                Verdict::Answered
            }
            None => {
                answer.set_rcode(OptRcode::NOTAUTH);
                Verdict::Answered
            }
        })
    }

    /// Hears that a zone has changed (RFC 1996).
    fn hear(&self, query: &Query<'_>, answer: &mut Answer<'_>) {
        let rung = self.settings.bells.ring(query.lowercase_name(), query.origin());
        match rung {
            true => answer.set_authoritative(),
            false => answer.set_rcode(OptRcode::REFUSED),
        }
    }
}

impl Responder for Authority {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let is_known = matches!(query.class(), Class::IN | Class::ANY);
        match query.opcode() {
            _ if !is_known => answer.set_rcode(OptRcode::REFUSED),
            Opcode::NOTIFY => self.hear(query, answer),
            _ => match query.rtype() {
                Rtype::AXFR | Rtype::IXFR => return self.transfer(query, answer),
                // Types of mail from before 1986, and what is no type of data.
                Rtype::MAILA | Rtype::MAILB => answer.set_rcode(OptRcode::NOTIMP),
                _ => self.answer(query, answer),
            },
        }
        Verdict::Answered
    }
}
