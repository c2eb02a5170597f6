//! [`Journal`]: how a zone has changed, for those who have an earlier version of it (RFC 1995).

use std::collections::HashMap;
use std::sync::Arc;

use domain::base::iana::Rtype;
use foldhash::fast::RandomState;

use super::record::ZoneRecord;
use super::soa::is_newer;
use super::zone::{RecordRef, Zone};

/// How one version of a zone became the next.
#[derive(Debug)]
pub struct Difference {
    /// The serial number before.
    pub from: u32,
    /// The serial number after.
    pub to: u32,
    /// What is no longer there: the SOA first.
    pub removed: Vec<ZoneRecord>,
    /// What has come: the SOA first.
    pub added: Vec<ZoneRecord>,
}

/// The last differences of a zone, each beginning where the one before has ended.
#[derive(Clone, Debug, Default)]
pub struct Journal(Vec<Arc<Difference>>);

/// Differences kept. A secondary that has missed more takes the whole zone.
const DIFFERENCES_MAX: usize = 100;

impl Difference {
    /// How `old` became `new`; `None` if the serial number of `new` is not newer.
    pub fn between(old: &Zone, new: &Zone) -> Option<Self> {
        let (from, to) = (old.soa().serial, new.soa().serial);
        if !is_newer(to, from) {
            return None;
        }
        let mut before: HashMap<_, RecordRef<'_>, RandomState> =
            old.records().map(|record| (identity(&record), record)).collect();
        let mut added: Vec<ZoneRecord> = Vec::new();
        for record in new.records() {
            if before.remove(&identity(&record)).is_none() {
                added.push(record.into());
            }
        }
        let mut removed: Vec<ZoneRecord> = before.into_values().map(Into::into).collect();
        for side in [&mut removed, &mut added] {
            side.sort_by(|one, other| {
                let key = |r: &ZoneRecord| r.rtype != Rtype::SOA;
                key(one).cmp(&key(other)).then_with(|| one.owner.cmp(&other.owner))
            });
        }
        Some(Self { from, to, removed, added })
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.removed.len() + self.added.len()
    }

    /// Whether it is empty, which it never is: the serial number is another.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What `zone` becomes by these, one after the other; `None` if they are not for this version, or take out what is not
    /// there.
    pub fn apply(differences: &[Self], zone: &Zone) -> Option<Vec<ZoneRecord>> {
        let mut records: HashMap<_, ZoneRecord, RandomState> =
            zone.records().map(|record| (identity(&record), record.into())).collect();
        let mut serial = zone.soa().serial;
        for difference in differences {
            if difference.from != serial {
                return None;
            }
            serial = difference.to;
            for record in &difference.removed {
                records.remove(&identity(&record.into()))?;
            }
            for record in &difference.added {
                records.insert(identity(&record.into()), record.clone());
            }
        }
        Some(records.into_values().collect())
    }
}

/// What makes two records the same: the name in small letters, the type, the TTL and the data.
fn identity(record: &RecordRef<'_>) -> (Vec<u8>, u16, u32, Vec<u8>) {
    let owner = record.owner.to_ascii_lowercase();
    (owner, record.rtype.to_int(), record.ttl, record.data.to_vec())
}

impl Journal {
    /// Appends a difference, and forgets the first ones: those too many, and those that together are more than the zone,
    /// which is then cheaper to give.
    pub(crate) fn push(&mut self, difference: Difference, zone_len: usize) {
        if self.0.last().is_some_and(|last| last.to != difference.from) {
            self.0.clear();
        }
        self.0.push(Arc::new(difference));
        let mut len = 0;
        let fits = |difference: &&Arc<Difference>| {
            len += difference.len();
            len <= zone_len
        };
        let kept = self.0.iter().rev().take(DIFFERENCES_MAX).take_while(fits).count();
        self.0.drain(..self.0.len() - kept);
    }

    /// The differences from the version `serial` to the last.
    pub(crate) fn since(&self, serial: u32) -> Option<&[Arc<Difference>]> {
        let first = self.0.iter().position(|difference| difference.from == serial)?;
        Some(&self.0[first..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(serial: u32, lines: &str) -> Zone {
        let head = format!("@ 60 SOA ns hm {serial} 1 1 1 1\n NS ns\nns A 192.0.2.1\n");
        let text = format!("{head}z A 1.1.1.1\ny A 2.2.2.2\n{lines}\n");
        let include = &mut |_: &str, _: &str| Err(String::new());
        let apex = "x".parse().expect("a name");
        crate::zone::read_zone(Some(&apex), "", text.as_bytes(), include).expect("a zone").0
    }

    #[test]
    fn a_difference_makes_one_version_of_the_other() {
        let old = zone(1, "a A 192.0.2.1\nb A 192.0.2.2");
        let new = zone(2, "A A 192.0.2.1\nb A 192.0.2.3");
        let difference = Difference::between(&old, &new).expect("it is newer");
        assert_eq!((difference.removed.len(), difference.added.len()), (2, 2), "{difference:?}");
        let difference = [difference];
        let records = Difference::apply(&difference, &old).expect("it is for this");
        let (made, _) = Zone::new(new.apex(), records).expect("it is a zone");
        assert_eq!(Difference::between(&new, &made).map(|d| d.len()), None);
        let all = |zone: &Zone| {
            let mut all: Vec<_> = zone.records().map(|record| identity(&record)).collect();
            all.sort();
            all
        };
        assert_eq!(all(&made), all(&new));
        assert!(Difference::apply(&difference, &new).is_none());
        assert!(Difference::between(&new, &old).is_none());
    }

    #[test]
    fn a_journal_has_no_gaps_and_is_shorter_than_the_zone() {
        let zones: Vec<Zone> = (1..=9).map(|serial| zone(serial, "")).collect();
        let mut journal = Journal::default();
        for pair in zones.windows(2) {
            let difference = Difference::between(&pair[0], &pair[1]).expect("it is newer");
            journal.push(difference, 7);
        }
        // Each is of two SOA records.
        assert!(journal.since(5).is_none());
        assert_eq!(journal.since(6).map(<[_]>::len), Some(3));
        assert!(journal.since(9).is_none());
        let gap = Difference::between(&zones[0], &zones[8]).expect("it is newer");
        journal.push(gap, 100);
        assert!(journal.since(8).is_none() && journal.since(1).is_some());
    }
}
