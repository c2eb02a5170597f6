//! [`Resolving`]: answers that have to be looked for elsewhere, by a [`Find`]: a recursive resolver, or a forwarder.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use domain::base::Name as AnyName;
use domain::base::iana::{Class, Opcode, OptRcode, Rtype};
use ropewalk_core::Deferred;

use super::answer::{Answer, Need, Section};
use super::kept_answers::KeptAnswers;
use super::query::Query;
use super::responder::{Reply, Responder, Verdict};
use crate::{Link, Name, Question};

/// What finds answers.
pub trait Find: 'static {
    /// Looks for the answer to a question of class IN.
    fn find(&self, asked: &Asked) -> Deferred<Rc<Finding>>;

    /// The answer, if it is known without asking anybody.
    fn recall(&self, asked: &Asked) -> Option<Finding>;
}

/// What is looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// Whether signatures are wanted (DO).
    pub dnssec_ok: bool,
    /// Whether what could not be validated is wanted too (CD).
    pub checking_disabled: bool,
}

/// What was found: the sections of the answer.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What became of the question.
    pub rcode: OptRcode,
    /// The records, behind the aliases that lead to them.
    pub answer: Vec<Link>,
    /// The SOA of a negative answer, or what else belongs there.
    pub authority: Vec<Link>,
    /// For how long it may be kept as a whole.
    pub ttl: Duration,
    /// Somebody has checked the signatures (AD).
    pub authentic: bool,
}

/// Answers queries by what a [`Find`] finds, and keeps the answers as they went out.
///
/// It asks for whom who wants that (RD); others get what is known already, and else REFUSED. Other classes than IN and
/// transfers are refused; ANY is answered with a HINFO record (RFC 8482, section 4.2), as what is known of a name is
/// never all.
///
/// What is kept is given for nine tenths of its time: who finds it sees in the last that it is still wanted.
pub struct Resolving<F>(Rc<Inner<F>>);

struct Inner<F> {
    find: F,
    kept: RefCell<KeptAnswers>,
}

/// Bytes of answers kept in wire form, of each thread. Some 100,000 of the usual ones.
const KEPT_BYTES_MAX: usize = 64 << 20;

impl<F: Find> Resolving<F> {
    /// Answers by `find`.
    pub fn new(find: F) -> Self {
        let kept = RefCell::new(KeptAnswers::new(KEPT_BYTES_MAX));
        Self(Rc::new(Inner { find, kept }))
    }
}

impl<F: Find> Responder for Resolving<F> {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        answer.set_recursion_available();
        match (query.opcode(), query.class(), query.rtype()) {
            (Opcode::QUERY, Class::IN, Rtype::AXFR | Rtype::IXFR) => {
                answer.set_rcode(OptRcode::REFUSED);
            }
            (Opcode::QUERY, Class::IN, Rtype::ANY) => refuse_any(query, answer),
            (Opcode::QUERY, Class::IN, rtype) if is_no_data(rtype) => {
                answer.set_rcode(OptRcode::NOTIMP);
            }
            (Opcode::QUERY, Class::IN, _) => return self.look(query, answer),
            (Opcode::QUERY, ..) => answer.set_rcode(OptRcode::REFUSED),
            _ => answer.set_rcode(OptRcode::NOTIMP),
        }
        Verdict::Answered
    }
}

impl<F: Find> Resolving<F> {
    fn look(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        if self.0.kept.borrow_mut().give(query, answer) {
            return Verdict::Answered;
        }
        let asked = asked_by(query);
        if !query.recursion_desired() {
            match self.0.find.recall(&asked) {
                Some(finding) => write(&finding, answer),
                None => answer.set_rcode(OptRcode::REFUSED),
            }
            return Verdict::Answered;
        }
        let inner = self.0.clone();
        Verdict::later(move |reply| {
            let find = inner.find.find(&asked);
            drop(find.add_both(move |found| {
                match found {
                    Ok(finding) => inner.finish(reply, &finding),
                    Err(failure) => {
                        let question = &asked.question;
                        let (name, rtype) = (question.qname(), question.qtype());
                        tracing::debug!(target: "ropewalk::dns", "{name} {rtype}: {failure}");
                        fail(reply);
                    }
                }
                Ok(())
            }));
        })
    }
}

impl<F: Find> Inner<F> {
    fn finish(&self, reply: Reply, finding: &Finding) {
        reply.finish(|query, answer| {
            answer.set_recursion_available();
            write(finding, answer);
            let ttl = finding.ttl * 9 / 10;
            self.kept.borrow_mut().keep(query, answer, ttl, query.origin().now);
        });
    }
}

fn fail(reply: Reply) {
    reply.finish(|_, answer| {
        answer.set_recursion_available();
        answer.set_rcode(OptRcode::SERVFAIL);
    });
}

fn asked_by(query: &Query<'_>) -> Asked {
    let name = bytes::Bytes::copy_from_slice(query.name());
    let name: Name = AnyName::from_octets(name).expect("a query has been read");
    Asked {
        question: Question::new(name, query.rtype(), query.class()),
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.checking_disabled(),
    }
}

fn write(finding: &Finding, answer: &mut Answer<'_>) {
    answer.set_rcode(finding.rcode);
    if finding.authentic {
        answer.set_authentic_data();
    }
    for link in &finding.answer {
        push(answer, (Section::Answer, Need::Required), link);
    }
    for link in &finding.authority {
        push(answer, (Section::Authority, Need::Required), link);
    }
}

fn push(answer: &mut Answer<'_>, (section, need): (Section, Need), link: &Link) {
    let (owner, records) = (link.owner.as_slice(), &link.records);
    let ttl = u32::try_from(records.ttl.as_secs()).unwrap_or(u32::MAX);
    answer.push_rrset(section, need, owner, records.rtype(), Class::IN, ttl, records.wire());
}

/// Types that mean several, or messages (RFC 6895, section 3.1), and no data that could be looked for.
fn is_no_data(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::OPT | Rtype::TSIG | Rtype::TKEY | Rtype::MAILA | Rtype::MAILB)
}

/// How long the refusal of ANY may be kept.
const ANY_TTL: u32 = 3600;

fn refuse_any(query: &Query<'_>, answer: &mut Answer<'_>) {
    let (section, need, owner) = (Section::Answer, Need::Required, query.name());
    let data: &[u8] = b"\x07RFC8482\0";
    answer.push_rrset(section, need, owner, Rtype::HINFO, Class::IN, ANY_TTL, [data]);
}
