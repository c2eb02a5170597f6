//! [`Transfer`]: a zone that is given away, whole or as differences, in messages that are as full as they can be.

use std::sync::Arc;

use domain::base::iana::{Class, Rtype};

use crate::server::{Answer, Carrier, Messages, Need, Query, Section, Verdict};
use crate::server::{HEADER_BYTES, RECORD_FIXED_BYTES, number, record_end};
use crate::wire_name::skip_name;
use crate::zone::{Difference, Journal, RecordRef, SetPlace, SharedZone, is_newer};

/// A zone on its way out. It is the version that it was when it was asked for.
pub(crate) struct Transfer {
    zone: SharedZone,
    /// `None`: the zone as a whole.
    differences: Option<Vec<Arc<Difference>>>,
    step: Step,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Step {
    /// The SOA that begins it.
    Begin,
    /// A set of the zone, from one of its records on.
    Set {
        place: SetPlace,
        record: usize,
    },
    /// A record of a difference: of those that are removed and then of those that are added.
    Difference {
        index: usize,
        record: usize,
    },
    /// The SOA that ends it.
    End,
    Done,
}

impl Transfer {
    /// Answers a query for a transfer: AXFR by the zone; IXFR by the differences from the version that the asker says it
    /// has, by nothing but the SOA if that is no older, and by the zone if the differences are not known.
    pub(crate) fn begin(
        zone: &SharedZone,
        journal: &Journal,
        query: &Query<'_>,
        answer: &mut Answer<'_>,
    ) -> Verdict {
        let is_datagram = query.origin().carrier == Carrier::Datagram;
        let mut differences = None;
        if query.rtype() == Rtype::IXFR {
            let Some(serial) = serial_of(query) else {
                answer.set_rcode(domain::base::iana::OptRcode::FORMERR);
                return Verdict::Answered;
            };
            // Over datagrams the SOA alone says that there is more to be had by TCP (RFC 1995, section 2).
            if is_datagram || !is_newer(zone.soa().serial, serial) {
                answer.set_authoritative();
                push(answer, &zone.soa_record());
                return Verdict::Answered;
            }
            differences = journal.since(serial).map(<[_]>::to_vec);
        }
        let zone = zone.clone();
        Verdict::Messages(Box::new(Self { zone, differences, step: Step::Begin }))
    }

    /// Puts the record that comes next into `answer`, if there is room; gives what comes then.
    fn step(&self, answer: &mut Answer<'_>) -> Option<Step> {
        match self.step {
            Step::Begin => {
                push(answer, &self.zone.soa_record()).then_some(match self.differences {
                    Some(_) => Step::Difference { index: 0, record: 0 },
                    None => Step::Set { place: SetPlace::default(), record: 0 },
                })
            }
            Step::Set { place, record } => self.push_set(answer, place, record),
            Step::Difference { index, record } => self.push_difference(answer, index, record),
            Step::End => push(answer, &self.zone.soa_record()).then_some(Step::Done),
            Step::Done => None,
        }
    }

    fn push_set(&self, answer: &mut Answer<'_>, place: SetPlace, first: usize) -> Option<Step> {
        let Some((records, next)) = self.zone.set_records(place) else { return Some(Step::End) };
        for (index, record) in records.enumerate().skip(first) {
            // The SOA is what it begins and ends with.
            if record.rtype != Rtype::SOA && !push(answer, &record) {
                // What does not fit into a message of its own is for nobody.
                let skipped = usize::from(answer.count(Section::Answer) == 0);
                let record = index + skipped;
                return (record > first).then_some(Step::Set { place, record });
            }
        }
        Some(Step::Set { place: next, record: 0 })
    }

    fn push_difference(&self, answer: &mut Answer<'_>, index: usize, first: usize) -> Option<Step> {
        let differences = self.differences.as_deref().unwrap_or_default();
        let Some(difference) = differences.get(index) else { return Some(Step::End) };
        let all = difference.removed.iter().chain(&difference.added);
        for (number, record) in all.enumerate().skip(first) {
            if !push(answer, &record.into()) {
                let skipped = usize::from(answer.count(Section::Answer) == 0);
                let record = number + skipped;
                return (record > first).then_some(Step::Difference { index, record });
            }
        }
        Some(Step::Difference { index: index + 1, record: 0 })
    }
}

impl Messages for Transfer {
    fn next_message(&mut self, _: &Query<'_>, answer: &mut Answer<'_>) -> bool {
        while let Some(step) = self.step(answer) {
            let is_full = is_stuck(&step) && answer.count(Section::Answer) > 0;
            self.step = step;
            if is_full {
                break;
            }
        }
        answer.count(Section::Answer) > 0
    }
}

/// Whether the step before has ended in the middle of what it gives: the message is full.
fn is_stuck(step: &Step) -> bool {
    matches!(step, Step::Set { record: 1.., .. } | Step::Difference { record: 1.., .. })
}

fn push(answer: &mut Answer<'_>, record: &RecordRef<'_>) -> bool {
    let RecordRef { owner, rtype, ttl, data } = *record;
    answer.push_rrset(Section::Answer, Need::Optional, owner, rtype, Class::IN, ttl, [data])
}

/// The serial number that is in the authority section of a query for differences (RFC 1995, section 3).
fn serial_of(query: &Query<'_>) -> Option<u32> {
    let message = query.message();
    let mut at = HEADER_BYTES + query.question().len();
    for _ in 0..number(message, 6) {
        at = record_end(message, at)?;
    }
    if number(message, 8) == 0 {
        return None;
    }
    let fixed = skip_name(message, at)?;
    let end = record_end(message, at)?;
    if number(message, fixed) != Rtype::SOA.to_int() {
        return None;
    }
    // The names may be compressed; the five numbers are the last 20 bytes.
    let data = &message[fixed + RECORD_FIXED_BYTES..end];
    let numbers = data.len().checked_sub(20)?;
    data.get(numbers..numbers + 4)?.try_into().ok().map(u32::from_be_bytes)
}
