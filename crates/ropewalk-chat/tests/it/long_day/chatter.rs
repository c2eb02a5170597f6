//! [`Chatter`]: somebody who comes by a client of IRC.
//!
//! Promised to them: until their connection is lost they hear everything once, in order, and of what they say they are
//! told whether it was said. What they miss before they are back, they may ask for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Failure;
use ropewalk_irc::client::{
    ClientLimits, ClientOptions, Event, Irc, IrcClient, IrcClientFactory, Said, ServerError,
};
use ropewalk_testing::MemoryClientEndpoint;

use super::ledger::Ears;
use super::person::{Person, Slowness};
use super::wire::{Fault, Wire};
use super::world::{Fate, ROOMS, World};

/// A client, and who sits before it.
pub(crate) struct Chatter {
    process: usize,
    seat: Option<Seat>,
}

/// One connection.
struct Seat {
    name: String,
    ears: Ears,
    inbox: Rc<Inbox>,
    has_arrived: bool,
    slowness: Slowness,
}

/// What the client has been told.
#[derive(Default)]
struct Inbox {
    irc: RefCell<Option<Irc>>,
    wire: RefCell<Option<Wire>>,
    said: RefCell<VecDeque<(String, String)>>,
    /// What is known of what they said themselves.
    fates: RefCell<Vec<(String, Fate)>>,
    is_lost: Cell<bool>,
    is_given_up: Cell<bool>,
}

/// Tells the inbox.
struct Teller(Rc<Inbox>);

impl IrcClient for Teller {
    fn signed_on(&mut self, irc: &Irc) {
        self.0.irc.replace(Some(irc.clone()));
    }

    fn event_received(&mut self, irc: &Irc, event: &Event<'_>) {
        match event {
            Event::SignedOn => self.signed_on(irc),
            Event::Privmsg(said) | Event::Action(said) => self.0.note(said),
            _ => {}
        }
    }

    fn connection_lost(&mut self, _: &Irc, _: &Failure) {
        self.0.is_lost.set(true);
    }
}

impl Inbox {
    fn note(&self, said: &Said<'_>) {
        self.said.borrow_mut().push_back((said.from.nick.to_owned(), said.text.to_owned()));
    }

    fn set_wire(&self, wire: Wire) {
        if self.is_given_up.get() {
            wire.abort();
        }
        self.wire.replace(Some(wire));
    }

    /// Gives the connection up, also if there is none yet.
    fn abort(&self) {
        self.is_given_up.set(true);
        self.wire.borrow().iter().for_each(Wire::abort);
    }

    fn irc(&self) -> Option<Irc> {
        self.irc.borrow().clone().filter(|_| !self.is_lost.get())
    }
}

impl Chatter {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, seat: None }
    }
}

impl Seat {
    fn new(world: &World, process: usize) -> Self {
        let name = format!("irc{}", world.number());
        let inbox = Rc::new(Inbox::default());
        let options = ClientOptions {
            limits: ClientLimits { line_interval: Duration::ZERO, ..ClientLimits::default() },
            ..ClientOptions::new(&name)
        };
        let (teller, connected, lost) = (inbox.clone(), inbox.clone(), inbox.clone());
        let factory = IrcClientFactory::new(options, move || Teller(teller.clone()));
        let connecting =
            world.reactor().connect(&MemoryClientEndpoint::new(format!("irc{process}")), factory);
        let connecting = connecting
            .add_callback(|protocol| protocol.call(|_, cx| Wire::of(cx.transport())))
            .add_callback(move |wire| connected.set_wire(wire));
        drop(connecting.add_errback(move |_| lost.is_lost.set(true)));
        let ears = Ears::new(world.ledger(process), &name, true);
        Self { name, ears, inbox, has_arrived: false, slowness: Slowness::default() }
    }

    fn read(&mut self, world: &World) {
        for (from, text) in self.inbox.said.take() {
            self.ears.hear(&from, &text);
        }
        for (text, fate) in self.inbox.fates.take() {
            world.set_fate(&text, fate);
        }
        if !self.has_arrived && self.inbox.irc().is_some() {
            self.has_arrived = true;
            world.arrive(&self.name);
        }
    }

    fn say(&self, irc: &Irc, target: &str, text: String, is_action: bool) {
        let said = if is_action { irc.action(target, &text) } else { irc.privmsg(target, &text) };
        let inbox = self.inbox.clone();
        let noted = said.add_both(move |result| {
            let fate = match result {
                Ok(()) => Fate::Told,
                Err(why) if is_refusal(&why) => Fate::Refused,
                Err(_) => Fate::Unknown,
            };
            inbox.fates.borrow_mut().push((text, fate));
        });
        drop(noted);
    }

    fn act(&self, world: &World) {
        let Some(irc) = self.inbox.irc() else { return };
        let mut rooms = irc.channels();
        rooms.sort(); // They come in no order.
        let Some(room) = world.pick(&rooms) else { return };
        match world.below(20) {
            0 => drop(irc.join(world.pick(&ROOMS).expect("there are some"))),
            1 if room != "#lobby" => drop(irc.part(&room, "")),
            2..4 => {
                let Some(other) = world.somebody(&self.name) else { return };
                self.say(&irc, &other, world.text(&other), false);
            }
            4 => drop(irc.names(&room)),
            5 => drop(irc.away(if world.chance(50) { "in the boat" } else { "" })),
            6 => self.say(&irc, &room, world.text(&room), true),
            _ => self.say(&irc, &room, world.text(&room), false),
        }
    }

    fn wire(&self) -> Option<Wire> {
        self.inbox.wire.borrow().clone()
    }
}

impl Person for Chatter {
    fn look(&mut self, world: &World) {
        let Some(seat) = &mut self.seat else { return };
        seat.slowness.look(world, seat.inbox.wire.borrow().as_ref());
        seat.read(world);
        if seat.inbox.is_lost.get() {
            world.depart(&seat.name);
            self.seat = None;
        }
    }

    fn act(&mut self, world: &World) {
        match &mut self.seat {
            Some(seat) => seat.act(world),
            None => self.seat = Some(Seat::new(world, self.process)),
        }
    }

    fn suffer(&mut self, world: &World, fault: Fault) {
        let Some(seat) = &mut self.seat else { return };
        seat.wire().into_iter().for_each(|wire| wire.suffer(&world.network, fault));
        seat.slowness.begin(world, fault, 1800);
    }

    fn go(&mut self, world: &World) {
        let Some(seat) = self.seat.take() else { return };
        world.depart(&seat.name);
        match seat.inbox.irc() {
            Some(irc) if world.chance(60) => drop(irc.quit("gone")),
            _ => seat.inbox.abort(),
        }
    }

    fn check_all_heard(&mut self) {
        if let Some(seat) = &mut self.seat
            && seat.slowness.is_over()
            && seat.wire().is_some_and(|wire| !wire.is_silent())
        {
            assert!(seat.has_arrived, "{} is not let in", seat.name);
            seat.ears.check_all_heard();
        }
    }
}

/// Whether the server did not do it, and not only that it has ended the connection.
fn is_refusal(why: &Failure) -> bool {
    why.check::<ServerError>().is_some_and(|error| error.code != "ERROR")
}
