//! [`Chatter`]: somebody who comes by a client of IRC.
//!
//! Promised to them: until their connection is lost they hear everything once, in order, and of what they say they are
//! told whether it was said. What they miss before they are back, they may ask for.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Failure;
use ropewalk_irc::client::{ClientLimits, ClientOptions, Irc, IrcClientFactory, ServerError};
use ropewalk_testing::MemoryClientEndpoint;

use super::inbox::{Inbox, News, Teller};
use super::ledger::{Ears, Ledger};
use super::person::{Person, Slowness};
use super::recall::Recall;
use super::wire::{Fault, Wire};
use super::world::{Fate, ROOMS, Trouble, World};

/// A client, and who sits before it.
pub(crate) struct Chatter {
    process: usize,
    seat: Option<Seat>,
    /// The msgid of the last that they know of what was said in the lobby.
    last: Option<Rc<str>>,
}

/// One connection.
struct Seat {
    name: String,
    ears: Ears,
    ledger: Rc<Ledger>,
    inbox: Rc<Inbox>,
    has_arrived: bool,
    /// What is asked for of what they know last.
    recall: Option<Recall>,
    last: Option<Rc<str>>,
    slowness: Slowness,
}

impl Chatter {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, seat: None, last: None }
    }
}

impl Seat {
    fn new(world: &World, process: usize, last: Option<Rc<str>>) -> Self {
        let name = format!("irc{}", world.number());
        let inbox = Rc::new(Inbox::default());
        let options = ClientOptions {
            limits: ClientLimits { line_interval: Duration::ZERO, ..ClientLimits::default() },
            capabilities: vec!["draft/chathistory".to_owned()],
            ..ClientOptions::new(&name)
        };
        let (teller, connected, lost) = (inbox.clone(), inbox.clone(), inbox.clone());
        let factory = IrcClientFactory::new(options, move || Teller(teller.clone()));
        let connecting =
            world.reactor().connect(&MemoryClientEndpoint::new(format!("irc{process}")), factory);
        let connecting = connecting
            .add_callback(|protocol| protocol.call(|_, cx| Wire::of(cx.transport())))
            .add_callback(move |wire| connected.set_wire(wire));
        drop(connecting.add_errback(move |_| lost.note_lost()));
        let ledger = world.ledger(process).clone();
        let (ears, slowness) = (Ears::new(&ledger, &name, true), Slowness::default());
        Self { name, ears, ledger, inbox, has_arrived: false, recall: None, last, slowness }
    }

    fn read(&mut self, world: &World) {
        self.inbox.take_news().into_iter().for_each(|news| self.hear(world, news));
        for (text, fate) in self.inbox.take_fates() {
            world.set_fate(&text, fate);
        }
        if let Some(irc) = self.inbox.irc().filter(|_| !self.has_arrived) {
            self.has_arrived = true;
            world.arrive(&self.name);
            let recall = self.last.as_ref().map(|last| Recall::ask(&self.ledger, &irc, last));
            self.recall = recall.and_then(Result::ok);
        }
    }

    fn hear(&mut self, world: &World, news: News) {
        match news {
            News::Said(heard, msgid) => {
                self.ears.hear(&heard.from, &heard.text);
                if self.has_arrived && self.recall.is_none() {
                    self.last = msgid.or(self.last.take());
                }
            }
            News::Replayed(heard, msgid) => {
                world.note(Trouble::PastRecalled);
                self.recall.as_mut().expect("it was asked for").show(&heard, &msgid);
            }
            News::ReplayedAll => {
                let recall = self.recall.take().expect("it was asked for");
                self.last = Some(recall.finish(&self.name));
            }
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
            inbox.note_fate(text, fate);
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
}

impl Person for Chatter {
    fn look(&mut self, world: &World) {
        let Some(seat) = &mut self.seat else { return };
        seat.slowness.look(world, seat.inbox.wire().as_ref());
        seat.read(world);
        if seat.inbox.is_lost() {
            world.note(Trouble::ClientCutOff);
            world.depart(&seat.name);
            self.last = seat.last.take();
            self.seat = None;
        }
    }

    fn act(&mut self, world: &World) {
        match &mut self.seat {
            Some(seat) => seat.act(world),
            None => self.seat = Some(Seat::new(world, self.process, self.last.clone())),
        }
    }

    fn suffer(&mut self, world: &World, fault: Fault) {
        let Some(seat) = &mut self.seat else { return };
        seat.inbox.wire().into_iter().for_each(|wire| wire.suffer(&world.network, fault));
        seat.slowness.begin(world, fault, 1800);
    }

    fn go(&mut self, world: &World) {
        let Some(seat) = self.seat.take() else { return };
        world.depart(&seat.name);
        self.last = seat.last;
        match seat.inbox.irc() {
            Some(irc) if world.chance(60) => drop(irc.quit("gone")),
            _ => seat.inbox.abort(),
        }
    }

    fn check_all_heard(&mut self) {
        if let Some(seat) = &mut self.seat
            && seat.slowness.is_over()
            && seat.inbox.wire().is_some_and(|wire| !wire.is_silent())
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
