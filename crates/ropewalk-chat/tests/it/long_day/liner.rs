//! [`Liner`]: somebody who comes by `nc`.
//!
//! Promised to them: until their connection is lost they hear everything once, in order; of what came last before that
//! they may miss some.

use super::ledger::Ears;
use super::person::{Person, Slowness};
use super::wire::{Fault, Wire};
use super::world::{Fate, ROOMS, Trouble, World};

/// A terminal.
pub(crate) struct Liner {
    process: usize,
    seat: Option<Seat>,
}

/// One connection.
struct Seat {
    name: String,
    wire: Wire,
    ears: Ears,
    is_in: bool,
    slowness: Slowness,
    /// What was said since the last sign that it was done.
    unsure: Vec<String>,
    /// The signs that were asked for: each is for so many of `unsure`.
    asked: Vec<usize>,
    /// Something was refused, so it is not known any more which of them were said.
    is_sure: bool,
}

/// What every room answers when it is asked what it is about.
const SIGN: &str = " is about nothing in particular.";

impl Liner {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, seat: None }
    }
}

impl Seat {
    fn new(world: &World, process: usize) -> Self {
        let name = format!("line{}", world.number());
        Self {
            ears: Ears::new(world.ledger(process), &name, false),
            wire: Wire::open(world.reactor(), &format!("lines{process}"), &format!("{name}\n")),
            name,
            is_in: false,
            slowness: Slowness::default(),
            unsure: Vec::new(),
            asked: Vec::new(),
            is_sure: true,
        }
    }

    fn read(&mut self, world: &World, line: &str) {
        if let Some(note) = line.strip_prefix("*** ") {
            return self.read_note(world, note);
        }
        // Of a room that is not in view.
        let line =
            line.strip_prefix('#').and_then(|line| line.split_once(' ')).map_or(line, |two| two.1);
        let (from, text) = match line.split_at(1) {
            ("<", rest) => rest.split_once("> ").expect("a name"),
            ("[", rest) => rest.split_once("] ").expect("a name"),
            ("*", rest) if !rest.starts_with('*') => rest[1..].split_once(' ').expect("a name"),
            _ => return,
        };
        self.ears.hear(from, text);
    }

    fn read_note(&mut self, world: &World, note: &str) {
        if note.starts_with("Hello ") {
            self.is_in = true;
            world.arrive(&self.name);
        } else if note.starts_with("Not done") {
            self.is_sure = false;
        } else if note.ends_with(SIGN) {
            self.read_sign(world);
        }
    }

    /// Everything that was said before it was asked for is done.
    fn read_sign(&mut self, world: &World) {
        let count = self.asked.remove(0);
        for text in self.unsure.drain(..count) {
            if self.is_sure {
                world.set_fate(&text, Fate::Told);
            }
        }
        self.asked.iter_mut().for_each(|asked| *asked -= count);
    }

    fn say(&mut self, line: &str, text: String) {
        self.wire.write(&format!("{line}\n"));
        self.unsure.push(text);
    }

    fn act(&mut self, world: &World) {
        match world.below(20) {
            0 => {
                let room = world.pick(&ROOMS).expect("there are some");
                self.wire.write(&format!("/join {room}\n"));
            }
            1 => self.wire.write("/leave boats\n"),
            2..4 => {
                let Some(other) = world.somebody(&self.name) else { return };
                let text = world.text(&other);
                self.wire.write(&format!("/msg {other} {text}\n"));
            }
            4 => {
                let text = world.text("me");
                self.say(&format!("/me {text}"), text);
            }
            5..10 => {
                self.wire.write("/topic\n");
                self.asked.push(self.unsure.len());
            }
            _ => {
                let text = world.text("all");
                self.say(&text.clone(), text);
            }
        }
    }
}

impl Person for Liner {
    fn look(&mut self, world: &World) {
        let Some(seat) = &mut self.seat else { return };
        seat.slowness.look(world, Some(&seat.wire));
        for line in seat.wire.take_lines() {
            seat.read(world, &line);
        }
        if seat.wire.is_lost() {
            world.note(Trouble::TerminalCutOff);
            world.depart(&seat.name);
            self.seat = None;
        }
    }

    fn act(&mut self, world: &World) {
        match &mut self.seat {
            Some(seat) if seat.is_in => seat.act(world),
            Some(_) => {}
            None => self.seat = Some(Seat::new(world, self.process)),
        }
    }

    fn suffer(&mut self, world: &World, fault: Fault) {
        let Some(seat) = &mut self.seat else { return };
        seat.wire.suffer(&world.network, fault);
        seat.slowness.begin(world, fault, 1800);
    }

    fn go(&mut self, world: &World) {
        let Some(seat) = self.seat.take() else { return };
        world.depart(&seat.name);
        if !seat.is_in || seat.wire.is_silent() || world.chance(30) {
            world.bury(seat.wire);
        } else if world.chance(50) {
            seat.wire.write("/quit\n");
            seat.wire.hurry();
        } else if let Some(transport) = seat.wire.transport() {
            transport.lose_connection();
        }
    }

    fn check_all_heard(&mut self) {
        if let Some(seat) = &mut self.seat
            && !seat.wire.is_silent()
            && seat.slowness.is_over()
        {
            assert!(seat.is_in, "{} is not let in", seat.name);
            seat.ears.check_all_heard();
        }
    }
}
