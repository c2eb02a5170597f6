//! [`Forwarder`]: answers out of the mouths of other resolvers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use domain::base::ToName;
use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_core::{Deferred, Failure};

use crate::client::Shared;
use crate::server::{Asked, Find, Finding};
use crate::{
    Exchanger, Link, LookupOptions, MessageRecord, Name, NameServer, QueryOptions, RecordSet,
    Response, Servers, Soa,
};

/// Asks resolvers, one after the other, for whatever it is asked. Many who ask the same meanwhile are one. A clone is the
/// same.
///
/// What is said of signatures goes through both ways: DO and CD with the question, the signatures and AD with the answer.
#[derive(Clone)]
pub struct Forwarder(Rc<Inner>);

struct Inner {
    /// The same servers, to be asked without signatures and with them, and with CD.
    servers: [Rc<Servers>; 4],
    under_way: RefCell<HashMap<Asked, Rc<Shared<Rc<Finding>>>>>,
}

/// How long one resolver is waited for in the first round: it may have to go to the root itself.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest that a whole answer is kept.
const TTL_MAX: Duration = Duration::from_secs(86_400);

impl Forwarder {
    /// Asks these resolvers by `exchanger`.
    pub fn new(exchanger: &Exchanger, resolvers: Vec<Rc<NameServer>>) -> Self {
        let servers = [(false, false), (true, false), (false, true), (true, true)].map(
            |(dnssec_ok, checking_disabled)| {
                let query =
                    QueryOptions { dnssec_ok, checking_disabled, ..QueryOptions::default() };
                // So that a resolver says whether it has validated (RFC 6840, section 5.7).
                let query = QueryOptions { authentic_data: true, ..query };
                let options = LookupOptions { timeout: TIMEOUT, query, ..LookupOptions::default() };
                Servers::new(exchanger, resolvers.clone(), options)
            },
        );
        Self(Rc::new(Inner { servers, under_way: RefCell::default() }))
    }

    fn ask(&self, asked: &Asked) -> Deferred<Response> {
        let which = usize::from(asked.dnssec_ok) | usize::from(asked.checking_disabled) << 1;
        self.0.servers[which].ask(&asked.question)
    }
}

impl Find for Forwarder {
    fn find(&self, asked: &Asked) -> Deferred<Rc<Finding>> {
        let known = self.0.under_way.borrow().get(asked).cloned();
        if let Some(shared) = known {
            return shared.join();
        }
        let (inner, own) = (self.0.clone(), asked.clone());
        let shared = Shared::new(move || drop(inner.under_way.borrow_mut().remove(&own)));
        self.0.under_way.borrow_mut().insert(asked.clone(), shared.clone());
        let found = shared.join();
        let (inner, own, all) = (self.0.clone(), asked.clone(), shared.clone());
        let under_way = self.ask(asked).add_both(move |result: Result<Response, Failure>| {
            inner.under_way.borrow_mut().remove(&own);
            all.fire(&result.map(|response| Rc::new(finding_of(&response))));
            Ok(())
        });
        shared.waits_for(under_way);
        found
    }

    /// What was asked before is kept as it went out, and by nobody else.
    fn recall(&self, _: &Asked) -> Option<Finding> {
        None
    }
}

fn finding_of(response: &Response) -> Finding {
    let answer = sets_of(response.answers());
    let authority = sets_of(response.authorities());
    let least = |links: &[Link]| links.iter().map(|link| link.records.ttl).min();
    let ttl = match least(&answer) {
        Some(ttl) if response.rcode() == OptRcode::NOERROR => ttl,
        // That there is nothing is true for as long as the SOA says (RFC 2308, section 5), and without one for nobody.
        aliases => negative_ttl(&authority).min(aliases.unwrap_or(TTL_MAX)),
    };
    let ttl = least(&authority).map_or(ttl, |least| least.min(ttl)).min(TTL_MAX);
    let (rcode, authentic) = (response.rcode(), response.authentic_data());
    Finding { rcode, answer, authority, ttl, authentic }
}

fn negative_ttl(authority: &[Link]) -> Duration {
    let soa = authority.iter().find(|link| link.records.rtype() == Rtype::SOA);
    soa.map_or(Duration::ZERO, |link| {
        Soa { zone: link.owner.clone(), record: link.records.clone() }.negative_ttl()
    })
}

/// The records of a section as sets, in the order of the first of each.
fn sets_of<'a>(section: impl Iterator<Item = MessageRecord<'a>>) -> Vec<Link> {
    let mut places = HashMap::new();
    let mut sets: Vec<(Name, Rtype, Vec<MessageRecord<'a>>)> = Vec::new();
    for record in section.filter(|record| record.class() == Class::IN) {
        let (owner, rtype): (Name, _) = (record.owner().to_name(), record.rtype());
        let place = *places.entry((owner.clone(), rtype)).or_insert(sets.len());
        if place == sets.len() {
            sets.push((owner, rtype, Vec::new()));
        }
        sets[place].2.push(record);
    }
    let links = sets.into_iter().filter_map(|(owner, rtype, records)| {
        Some(Link { owner, records: RecordSet::from_records(rtype, records)? })
    });
    links.collect()
}
