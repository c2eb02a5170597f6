//! Calls from one protocol to another, and results that come back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{
    Cx, Deferred, Failure, FailureKind, Protocol, ProtocolRef, Resolver, defer_later,
};

use crate::conformance::setup::Bench;
use crate::conformance::suite::{Case, quiet_panic};
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(a_call_to_an_idle_protocol_has_run_when_it_returns),
        Case::of(calls_to_a_busy_protocol_run_in_order_right_after_its_callback),
        Case::of(a_call_to_a_lost_protocol_fails_and_is_dropped_unrun),
        Case::of(a_call_that_waits_when_the_connection_is_lost_fails),
        Case::of(a_call_of_the_wrong_type_fails),
        Case::of(a_panic_in_a_call_costs_the_protocol_called),
        Case::of(calls_that_call_back_for_ever_do_not_keep_the_loop),
        Case::of(a_result_comes_back_as_a_callback),
        Case::of(a_result_that_is_there_already_comes_after_the_callback),
        Case::of(what_is_waited_for_is_cancelled_when_the_connection_is_lost),
    ]
}

fn target(log: &Log) -> ProtocolRef<Recorder> {
    log.transport().protocol_ref()
}

fn a_call_to_an_idle_protocol_has_run_when_it_returns(bench: Bench) {
    let ends = bench.ends();
    let called = target(&ends.client).call(|_, cx| {
        cx.transport().write(b"called");
        42
    });
    assert_eq!(called.into_result().ok().and_then(Result::ok), Some(42));
    bench.until("its bytes", || ends.server.data() == b"called");
    assert!(target(&ends.client).is_alive());
}

fn calls_to_a_busy_protocol_run_in_order_right_after_its_callback(bench: Bench) {
    let order = Rc::new(RefCell::new(Vec::new()));
    let seen = order.clone();
    let calling = move |log: &Log| {
        let seen = seen.clone();
        Recorder::new(log).reacting(move |cx, event| {
            let Recorded::Data(_) = event else { return };
            let myself = cx.protocol_ref::<Recorder>();
            for number in [1, 2, 3] {
                let seen = seen.clone();
                let called = myself.call(move |_, _| seen.borrow_mut().push(number));
                assert!(!called.is_fired(), "it is busy");
            }
            seen.borrow_mut().push(0);
        })
    };
    let ends = bench.ends_of(calling, Recorder::new);
    ends.client.transport().write(b"x");
    bench.until("the callback", || !order.borrow().is_empty());
    assert_eq!(*order.borrow(), [0, 1, 2, 3]);
}

fn a_call_to_a_lost_protocol_fails_and_is_dropped_unrun(bench: Bench) {
    let ends = bench.ends();
    let (client, token) = (target(&ends.client), Rc::new(()));
    let held = token.clone();
    ends.client.transport().abort_connection();
    let called = client.call(move |_, _| drop(held));
    let failure = called.into_result().ok().and_then(Result::err).expect("it fails at once");
    assert_eq!(failure.kind(), FailureKind::Local);
    assert_eq!(Rc::strong_count(&token), 1, "what the call holds is dropped");
    bench.lost(&ends.client);
    assert!(!client.is_alive());
}

fn a_call_that_waits_when_the_connection_is_lost_fails(bench: Bench) {
    let outcome = Rc::new(RefCell::new(None));
    let slot = outcome.clone();
    let calling = move |log: &Log| {
        let slot = slot.clone();
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event {
                let slot = slot.clone();
                let called = cx.protocol_ref::<Recorder>().call(|_, _| ());
                drop(called.add_both(move |result| drop(slot.replace(Some(result)))));
                cx.transport().abort_connection();
            }
        })
    };
    let ends = bench.ends_of(calling, Recorder::new);
    ends.client.transport().write(b"x");
    bench.lost(&ends.server);
    let result: Option<Result<(), Failure>> = outcome.take();
    assert_eq!(
        result.and_then(Result::err).map(|failure| failure.kind()),
        Some(FailureKind::Local)
    );
}

struct Other;

impl Protocol for Other {}

fn a_call_of_the_wrong_type_fails(bench: Bench) {
    let ends = bench.ends();
    let wrong = ends.client.transport().protocol_ref::<Other>();
    let failure = wrong.call(|_, _| ()).into_result().ok().and_then(Result::err);
    assert_eq!(failure.map(|failure| failure.kind()), Some(FailureKind::Local));
    assert!(ends.client.transport().is_connected());
}

fn a_panic_in_a_call_costs_the_protocol_called(bench: Bench) {
    let ends = bench.ends();
    let called: Deferred<()> = target(&ends.client).call(|_, _| quiet_panic());
    let failure = called.into_result().ok().and_then(Result::err);
    assert_eq!(failure.map(|failure| failure.kind()), Some(FailureKind::Panic));
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Panic);
}

/// Each calls the other: eight deep inside each other, then one after the other, turn by turn.
fn calls_that_call_back_for_ever_do_not_keep_the_loop(bench: Bench) {
    let ends = bench.ends();
    let (depth, deepest) = (Rc::new(Cell::new(0_u32)), Rc::new(Cell::new(0_u32)));
    let calls = Rc::new(Cell::new(0_u32));
    let game = Game {
        sides: [target(&ends.client), target(&ends.server)],
        depth,
        deepest: deepest.clone(),
        calls: calls.clone(),
    };
    let rang = Rc::new(Cell::new(false));
    let bell = rang.clone();
    bench.reactor().call_later(std::time::Duration::ZERO, move || bell.set(true));
    game.play(0);
    bench.until("a timer between the calls", || rang.get() && calls.get() > 30);
    assert!(deepest.get() <= 8, "{} calls inside each other", deepest.get());
}

#[derive(Clone)]
struct Game {
    sides: [ProtocolRef<Recorder>; 2],
    depth: Rc<Cell<u32>>,
    deepest: Rc<Cell<u32>>,
    calls: Rc<Cell<u32>>,
}

impl Game {
    fn play(&self, side: usize) {
        let game = self.clone();
        let called = self.sides[side].call(move |_, _| {
            game.depth.set(game.depth.get() + 1);
            game.deepest.set(game.deepest.get().max(game.depth.get()));
            game.calls.set(game.calls.get() + 1);
            game.play(1 - side);
            game.depth.set(game.depth.get() - 1);
        });
        drop(called.add_errback(|_| ()));
    }
}

fn a_result_comes_back_as_a_callback(bench: Bench) {
    let waiting = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                let after = std::time::Duration::from_millis(2);
                let later = defer_later(cx.reactor(), after, || Ok("later"));
                cx.when(later, |_: &mut Recorder, cx, result| {
                    cx.transport().write(result.expect("it fires").as_bytes());
                });
            }
        })
    };
    let ends = bench.ends_of(waiting, Recorder::new);
    ends.client.transport().write(b"x");
    bench.until("the result", || ends.client.data() == b"later");
}

fn a_result_that_is_there_already_comes_after_the_callback(bench: Bench) {
    let order = Rc::new(RefCell::new(Vec::new()));
    let seen = order.clone();
    let waiting = move |log: &Log| {
        let seen = seen.clone();
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event {
                let after = seen.clone();
                cx.when(Deferred::succeed(7), move |_: &mut Recorder, _, result| {
                    after.borrow_mut().push(result.expect("it has fired"));
                });
                seen.borrow_mut().push(0);
            }
        })
    };
    let ends = bench.ends_of(waiting, Recorder::new);
    ends.client.transport().write(b"x");
    bench.until("the result", || order.borrow().len() == 2);
    assert_eq!(*order.borrow(), [0, 7]);
}

fn what_is_waited_for_is_cancelled_when_the_connection_is_lost(bench: Bench) {
    let ends = bench.ends();
    let (cancelled, ran) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
    let (count, flag) = (cancelled.clone(), ran.clone());
    let (resolver, pending): (Resolver<()>, _) =
        Deferred::with_canceller(move || count.set(count.get() + 1));
    let called = target(&ends.client).call(move |_, cx: &mut Cx<'_>| {
        cx.when(pending, move |_: &mut Recorder, _, _| flag.set(true));
    });
    assert!(called.is_fired());
    ends.client.transport().lose_connection();
    bench.lost(&ends.client);
    bench.idle();
    assert_eq!((cancelled.get(), ran.get()), (1, false));
    resolver.callback(());
}
