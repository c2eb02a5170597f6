//! [`Notifier`]: tells secondaries that a zone has changed (RFC 1996).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Class, Rtype};
use ropewalk_core::{
    Address, DatagramEndpoint, DatagramProtocol, DatagramTransport, Deferred, Reactor,
};

use crate::wire_name::Shown;
use crate::zone::Zone;

/// Says to secondaries that there is a newer version of a zone, by datagrams, until they have heard. A cheap handle.
///
/// # Limits
/// One note for each secondary and zone is under way: a newer version's takes the place of the one before. It is sent five
/// times, after 2, 4, 8 and 16 seconds again, and then given up: the secondary looks by itself, later.
#[derive(Clone)]
pub struct Notifier(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    targets: Vec<Address>,
    transport: RefCell<Option<DatagramTransport>>,
    /// By zone and number of the target: the number of the note.
    waiting: RefCell<BTreeMap<(Box<[u8]>, usize), u16>>,
    next_id: Cell<u16>,
}

/// How long the first answer is waited for; twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// How often a note is sent (RFC 1996, section 3.6).
const TRIES_MAX: u32 = 5;

/// QR, opcode NOTIFY and AA, as the answer to a note has them.
const NOTIFY_ANSWER: u8 = 0xA0;

impl Notifier {
    /// Tells `targets`, from a socket opened at `endpoint`; fires when it is open, until when notes wait. `first_id` is the
    /// number of the first note, by chance.
    pub fn open(
        reactor: &Reactor,
        endpoint: &dyn DatagramEndpoint,
        targets: Vec<Address>,
        first_id: u16,
    ) -> (Self, Deferred<()>) {
        let notifier = Self(Rc::new(Inner {
            reactor: reactor.clone(),
            targets,
            transport: RefCell::default(),
            waiting: RefCell::default(),
            next_id: Cell::new(first_id),
        }));
        let opened = endpoint.open(reactor, Box::new(Ear(notifier.clone())));
        let opening = notifier.clone();
        let opened = opened.add_callback(move |transport| {
            opening.0.transport.replace(Some(transport));
        });
        (notifier, opened)
    }

    /// Tells all of them that this is the version of a zone.
    pub fn notify(&self, zone: &Zone) {
        for target in 0..self.0.targets.len() {
            let id = self.0.next_id.get();
            self.0.next_id.set(id.wrapping_add(1));
            self.0.waiting.borrow_mut().insert((zone.apex().into(), target), id);
            let note =
                Note { message: note(zone, id), apex: zone.apex().into(), target, id, tries: 0 };
            self.send(note);
        }
    }

    /// How many notes have not been answered.
    pub fn waiting(&self) -> usize {
        self.0.waiting.borrow().len()
    }

    fn send(&self, mut note: Note) {
        let place = (note.apex.clone(), note.target);
        if self.0.waiting.borrow().get(&place) != Some(&note.id) {
            return; // It was answered, or there is a newer one.
        }
        let target = &self.0.targets[note.target];
        if note.tries == TRIES_MAX {
            self.0.waiting.borrow_mut().remove(&place);
            let name = Shown(&note.apex);
            return tracing::warn!(target: "ropewalk::dns", "{target} does not hear that {name} has changed");
        }
        if let Some(transport) = &*self.0.transport.borrow() {
            transport.send_to(note.message.clone(), target);
        }
        let wait = FIRST_WAIT * (1 << note.tries);
        note.tries += 1;
        let notifier = self.clone();
        drop(self.0.reactor.call_later(wait, move || notifier.send(note)));
    }
}

/// One note on its way.
struct Note {
    message: Vec<u8>,
    apex: Box<[u8]>,
    target: usize,
    id: u16,
    tries: u32,
}

fn note(zone: &Zone, id: u16) -> Vec<u8> {
    let soa = zone.soa_record();
    let fixed =
        |rtype: Rtype| [rtype.to_int().to_be_bytes(), Class::IN.to_int().to_be_bytes()].concat();
    let length = u16::try_from(soa.data.len()).unwrap_or(0);
    // NOTIFY with AA; one question, and the SOA as a hint.
    let mut message = vec![0, 0, 0x24, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    message[..2].copy_from_slice(&id.to_be_bytes());
    message.extend_from_slice(zone.apex());
    message.extend(fixed(Rtype::SOA));
    message.extend_from_slice(&[0xC0, 12]);
    message.extend(fixed(Rtype::SOA));
    message.extend_from_slice(&soa.ttl.to_be_bytes());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(soa.data);
    message
}

struct Ear(Notifier);

impl DatagramProtocol for Ear {
    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], from: &Address) {
        let Some(header) = data.get(..12) else { return };
        let (id, kind) = (u16::from_be_bytes([header[0], header[1]]), header[2]);
        if kind & 0xF8 != NOTIFY_ANSWER {
            return;
        }
        let targets = &self.0.0.targets;
        let mut waiting = self.0.0.waiting.borrow_mut();
        // Whatever it says, it has heard.
        waiting.retain(|(_, target), waits| *waits != id || targets[*target] != *from);
    }
}
