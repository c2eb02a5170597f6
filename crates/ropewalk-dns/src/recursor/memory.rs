//! [`Memory`]: what servers have said, for as long as they said it is true.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use domain::base::Ttl;
use domain::base::iana::Rtype;
use domain::rdata::AllRecordData;
use ropewalk_core::{Failure, Time};

use super::reading::{Record, Says};
use crate::client::Question;

/// Answers that are remembered: what a network of some thousand people asks for in a day; some 100 MB.
const ANSWERS_MAX: usize = 100_000;
/// Failures that are remembered.
const FAILURES_MAX: usize = 10_000;
/// The longest time that anything is taken to be true (RFC 8767, section 4, speaks of a week; a day is what most do).
const TTL_MAX: Duration = Duration::from_secs(86_400);
/// The longest time that a name is taken not to exist (RFC 2308, section 5: one to three hours).
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(3 * 3600);

/// Answers to questions.
#[derive(Default)]
pub(super) struct Memory {
    kept: HashMap<Question, Kept>,
    order: VecDeque<Question>,
    failures: HashMap<Question, (Failure, Time)>,
}

struct Kept {
    says: Says,
    since: Time,
    until: Time,
}

/// The type under which it is kept that a name does not exist for any type. No record has it.
const NO_TYPE: Rtype = Rtype::from_int(0);

impl Memory {
    /// Remembers what was said to a question.
    pub(super) fn keep(&mut self, question: &Question, says: &Says, now: Time) {
        let (question, ttl) = match says {
            Says::Records(records) => (question.clone(), least_ttl(records).min(TTL_MAX)),
            Says::Alias(records, _) => (question.clone(), least_ttl(records).min(TTL_MAX)),
            Says::NoData(soa) => (question.clone(), negative_ttl(soa)),
            Says::NoSuchName(soa) => (of_no_type(question), negative_ttl(soa)),
            Says::Referral(..) | Says::Nothing(_) => return,
        };
        if ttl.is_zero() {
            return;
        }
        let kept = Kept { says: says.clone(), since: now, until: now + ttl };
        if self.kept.insert(question.clone(), kept).is_none() {
            self.order.push_back(question);
            if self.order.len() > ANSWERS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.kept.remove(&oldest);
            }
        }
    }

    /// What was said to a question and is still true, with what is left of its time.
    pub(super) fn recall(&mut self, question: &Question, now: Time) -> Option<Says> {
        let kept = self.kept.get(question).filter(|kept| kept.until > now);
        let kept =
            kept.or_else(|| self.kept.get(&of_no_type(question)).filter(|kept| kept.until > now))?;
        Some(aged(&kept.says, now.since(kept.since)))
    }

    /// Remembers that a question could not be answered.
    pub(super) fn fail(&mut self, question: &Question, failure: Failure, until: Time) {
        if self.failures.len() >= FAILURES_MAX {
            self.failures.clear(); // They are short-lived, and asking once more is no harm.
        }
        self.failures.insert(question.clone(), (failure, until));
    }

    pub(super) fn failure(&mut self, question: &Question, now: Time) -> Option<Failure> {
        let (failure, until) = self.failures.get(question)?;
        if *until > now {
            return Some(failure.clone());
        }
        self.failures.remove(question);
        None
    }
}

fn of_no_type(question: &Question) -> Question {
    Question::new(question.qname().clone(), NO_TYPE, question.qclass())
}

fn least_ttl(records: &[Record]) -> Duration {
    records.iter().map(|record| record.ttl().into_duration()).min().unwrap_or_default()
}

/// How long it is true that there is nothing: the lesser of the SOA's TTL and its MINIMUM (RFC 2308, section 5). Without a
/// SOA it is not kept.
fn negative_ttl(soa: &Option<Record>) -> Duration {
    soa.as_ref().map_or(Duration::ZERO, |record| {
        let minimum = match record.data() {
            AllRecordData::Soa(soa) => soa.minimum().into_duration(),
            _ => Duration::ZERO,
        };
        record.ttl().into_duration().min(minimum).min(NEGATIVE_TTL_MAX)
    })
}

/// The same after some time.
fn aged(says: &Says, age: Duration) -> Says {
    let mut says = says.clone();
    let records: &mut [Record] = match &mut says {
        Says::Records(records) | Says::Alias(records, _) => records,
        Says::NoSuchName(soa) | Says::NoData(soa) => soa.as_mut_slice(),
        Says::Referral(..) | Says::Nothing(_) => &mut [],
    };
    let age = Ttl::from_duration_lossy(age);
    for record in records {
        record.set_ttl(Ttl::from_secs(record.ttl().as_secs().saturating_sub(age.as_secs())));
    }
    says
}
