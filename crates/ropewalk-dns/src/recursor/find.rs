//! The recursive resolver behind a server.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Deferred;

use super::{Found, Link, Recursor};
use crate::server::{Asked, Find, Finding};

impl Find for Recursor {
    fn find(&self, asked: &Asked) -> Deferred<Rc<Finding>> {
        Recursor::find(self, &asked.question).add_callback(|found| Ok(Rc::new(finding_of(&found))))
    }

    fn recall(&self, asked: &Asked) -> Option<Finding> {
        Recursor::recall(self, &asked.question).map(|found| finding_of(&found))
    }
}

fn finding_of(found: &Found) -> Finding {
    let least = found.records.iter().map(|link| link.records.ttl).min();
    let mut ttl = least.unwrap_or(Duration::MAX);
    let authority = found.soa.iter().map(|soa| {
        // For as long as there is nothing, its own time to live says too (RFC 2308, section 5).
        let mut records = soa.record.clone();
        records.ttl = soa.negative_ttl();
        ttl = ttl.min(records.ttl);
        Link { owner: soa.zone.clone(), records }
    });
    let authority = authority.collect();
    if found.records.is_empty() && found.soa.is_none() {
        ttl = Duration::ZERO;
    }
    Finding { rcode: found.rcode, answer: found.records.clone(), authority, ttl, authentic: false }
}
