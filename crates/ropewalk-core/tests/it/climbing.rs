//! What comes in climbs through layers that are put in at any moment, past pauses, and is given back and comes
//! again: whatever happens, each byte comes once, in order, and through all layers that are there when it comes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use proptest::prelude::*;
use ropewalk_core::{
    Chunk, ConnectionLimits, Cx, Event, Failure, Layer, LayerIo, OutQueue, Protocol,
};

use crate::puppet::Stage;

/// As many as a byte can count in its upper half.
const LAYERS_MAX: u8 = 15;

/// What a byte is: its number in the lower half, how many layers it has passed in the upper.
fn byte(number: usize, passed: u8) -> u8 {
    u8::try_from(number % 16).expect("it is below 16") | passed << 4
}

/// Counts itself in the upper half of each byte.
struct Step;

impl Layer for Step {
    fn inbound(&mut self, mut chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        chunk.as_mut().iter_mut().for_each(|byte| *byte += 1 << 4);
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

/// What happens, one after the other.
#[derive(Clone, Copy, Debug)]
enum Move {
    Data(usize),
    Turn,
    Pause,
    Resume,
    Layer,
    /// In its next callback the protocol takes so many bytes, and then does this with the rest.
    Next(usize, Reaction),
    End,
}

#[derive(Clone, Copy, Debug)]
enum Reaction {
    Unread,
    UnreadAndPause,
    Layer,
}

fn moves() -> impl Strategy<Value = Move> {
    let reaction =
        prop_oneof![Just(Reaction::Unread), Just(Reaction::UnreadAndPause), Just(Reaction::Layer)];
    prop_oneof![
        6 => (1usize..20).prop_map(Move::Data),
        4 => Just(Move::Turn),
        2 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => Just(Move::Layer),
        3 => (0usize..20, reaction).prop_map(|(count, reaction)| Move::Next(count, reaction)),
        1 => Just(Move::End),
    ]
}

#[derive(Default)]
struct Seen {
    received: Cell<usize>,
    ended: Cell<bool>,
    paused: Cell<bool>,
    layers: Cell<u8>,
    plans: RefCell<VecDeque<(usize, Reaction)>>,
}

/// Checks what it gets.
struct Checker(Rc<Seen>);

impl Protocol for Checker {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let seen = &*self.0;
        assert!(!seen.paused.get(), "data after a pause");
        assert!(!seen.ended.get(), "data after the end");
        let plan = seen.plans.borrow_mut().pop_front();
        let (taken, rest) = data.split_at(plan.map_or(data.len(), |plan| plan.0.min(data.len())));
        for got in taken {
            assert_eq!(*got, byte(seen.received.get(), seen.layers.get()));
            seen.received.set(seen.received.get() + 1);
        }
        let rest = Bytes::copy_from_slice(rest);
        match plan.map(|plan| plan.1) {
            Some(Reaction::Layer) if seen.layers.get() < LAYERS_MAX => {
                seen.layers.set(seen.layers.get() + 1);
                cx.transport().start_layer(Step, rest);
            }
            Some(Reaction::UnreadAndPause) => {
                cx.unread(rest);
                seen.paused.set(true);
                cx.transport().pause_producing();
            }
            Some(_) => cx.unread(rest),
            None => {}
        }
    }

    fn read_connection_lost(&mut self, _: &mut Cx<'_>) {
        assert!(!self.0.paused.get() && !self.0.ended.replace(true));
    }
}

fn run(moves: &[Move]) {
    let stage = Stage::new();
    let seen = Rc::new(Seen::default());
    let protocol = seen.clone();
    let transport =
        stage.connect_to(ConnectionLimits::default(), move || Checker(protocol.clone()));
    let id = transport.slot_id();
    let (mut sent, mut ends) = (0, false);
    for step in moves {
        match *step {
            Move::Data(count) if !ends => {
                let bytes: Vec<u8> = (sent..sent + count).map(|number| byte(number, 0)).collect();
                sent += count;
                stage.hand.data(id, &bytes);
            }
            Move::End if !ends => {
                ends = true;
                stage.hand.say(id, || Event::ReadClosed);
            }
            Move::Turn => stage.turn(),
            Move::Pause => {
                seen.paused.set(true);
                transport.pause_producing();
            }
            Move::Resume => {
                seen.paused.set(false);
                transport.resume_producing();
            }
            Move::Layer if seen.layers.get() < LAYERS_MAX => {
                seen.layers.set(seen.layers.get() + 1);
                transport.start_layer(Step, Bytes::new());
            }
            Move::Next(taken, reaction) => seen.plans.borrow_mut().push_back((taken, reaction)),
            Move::Data(_) | Move::End | Move::Layer => {}
        }
    }
    // A plan may pause again.
    for _ in 0..=moves.len() {
        seen.paused.set(false);
        transport.resume_producing();
        stage.turns();
    }
    assert_eq!((seen.received.get(), seen.ended.get()), (sent, ends));
    assert!(transport.is_connected());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn each_byte_comes_once_in_order_and_through_all_layers(
        moves in prop::collection::vec(moves(), 1..60)
    ) {
        run(&moves);
    }
}
