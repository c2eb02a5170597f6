//! Random programs on one chain, against a model of a dozen lines: the same callbacks see the same values in
//! the same order, and the same result stands at the end.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::Trace;
use crate::{Deferred, Failure, FailureKind, Resolver};

/// How many inner Deferreds a program has.
const INNER: usize = 6;
const CANCELLED: i32 = -1;

/// A value, or a failure by its number.
type Outcome = Result<i32, i32>;

#[derive(Clone, Copy, Debug)]
enum Hung {
    Callback,
    Errback,
    Both,
}

#[derive(Clone, Copy, Debug)]
enum Returns {
    /// This, with what came in added to it.
    Result(Outcome),
    /// An inner Deferred; the second time, zero.
    Inner(usize),
}

#[derive(Clone, Debug)]
enum Event {
    Add(Hung, Returns),
    FireRoot(Outcome),
    FireInner(usize, Outcome),
    DropInner(usize),
    Cancel,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (any::<bool>(), 1..100).prop_map(|(good, number)| if good { Ok(number) } else { Err(number) })
}

fn event() -> impl Strategy<Value = Event> {
    let hung = prop_oneof![Just(Hung::Callback), Just(Hung::Errback), Just(Hung::Both)];
    let returns =
        prop_oneof![outcome().prop_map(Returns::Result), (0..INNER).prop_map(Returns::Inner)];
    prop_oneof![
        6 => (hung, returns).prop_map(|(hung, returns)| Event::Add(hung, returns)),
        1 => outcome().prop_map(Event::FireRoot),
        4 => (0..INNER, outcome()).prop_map(|(inner, outcome)| Event::FireInner(inner, outcome)),
        1 => (0..INNER).prop_map(Event::DropInner),
        1 => Just(Event::Cancel),
    ]
}

fn add(input: Outcome, to: Outcome) -> Outcome {
    let (Ok(by) | Err(by)) = input;
    to.map(|number| number + by).map_err(|number| number + by)
}

const ABANDONED: i32 = -2;

/// Where the chain of the model is.
enum At {
    Root,
    Inner(usize),
    Has(Outcome),
}

struct Model {
    at: At,
    stages: VecDeque<(usize, Hung, Returns)>,
    added: usize,
    /// Fired or not, and whether it has been returned by a callback.
    inner: [(Option<Outcome>, bool); INNER],
    trace: Vec<String>,
}

impl Model {
    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Add(hung, returns) => {
                self.stages.push_back((self.added, hung, returns));
                self.added += 1;
            }
            Event::FireRoot(outcome) => {
                if let At::Root = self.at {
                    self.at = At::Has(outcome);
                }
            }
            Event::FireInner(index, outcome) => self.fire_inner(index, outcome),
            Event::DropInner(index) => self.fire_inner(index, Err(ABANDONED)),
            Event::Cancel => match self.at {
                At::Root => self.at = At::Has(Err(CANCELLED)),
                At::Inner(index) => self.fire_inner(index, Err(CANCELLED)),
                At::Has(_) => {}
            },
        }
        self.run();
    }

    fn fire_inner(&mut self, index: usize, outcome: Outcome) {
        self.inner[index].0.get_or_insert(outcome);
    }

    fn run(&mut self) {
        loop {
            if let At::Inner(index) = self.at
                && let Some(outcome) = self.inner[index].0
            {
                self.at = At::Has(outcome);
            }
            let At::Has(input) = self.at else { return };
            let Some((number, hung, returns)) = self.stages.pop_front() else { return };
            if matches!((hung, input), (Hung::Callback, Err(_)) | (Hung::Errback, Ok(_))) {
                continue;
            }
            self.trace.push(format!("{number} {input:?}"));
            self.at = match returns {
                Returns::Result(outcome) => At::Has(add(input, outcome)),
                Returns::Inner(index) if self.inner[index].1 => At::Has(Ok(0)),
                Returns::Inner(index) => {
                    self.inner[index].1 = true;
                    At::Inner(index)
                }
            };
        }
    }
}

/// The same program on the real thing.
struct Real {
    root: Option<Resolver<i32>>,
    end: Option<Deferred<i32>>,
    added: usize,
    resolvers: Vec<Option<Resolver<i32>>>,
    inner: std::rc::Rc<std::cell::RefCell<Vec<Option<Deferred<i32>>>>>,
    trace: Trace,
}

fn to_failure(number: i32) -> Failure {
    Failure::new(FailureKind::Local, number.to_string())
}

fn to_number(failure: &Failure) -> i32 {
    match failure.kind() {
        FailureKind::Cancelled => CANCELLED,
        FailureKind::Abandoned => ABANDONED,
        _ => failure.to_string().parse().expect("it was made of a number"),
    }
}

/// `inner`, waited for by `depth` chains around it, each a callback of the next.
fn wrapped(inner: Deferred<i32>, depth: usize) -> Deferred<i32> {
    (0..depth).fold(inner, |inner, _| {
        let (resolver, outer) = Deferred::<()>::new();
        let outer = outer.add_callback(move |()| inner);
        resolver.callback(());
        outer
    })
}

impl Real {
    fn new() -> Self {
        let (root, end) = Deferred::new();
        let (resolvers, inner): (Vec<_>, Vec<_>) = (0..INNER)
            .map(|depth| {
                let (resolver, inner) = Deferred::new();
                (Some(resolver), Some(wrapped(inner, depth % 3)))
            })
            .unzip();
        let inner = std::rc::Rc::new(std::cell::RefCell::new(inner));
        Self {
            root: Some(root),
            end: Some(end),
            added: 0,
            resolvers,
            inner,
            trace: Trace::default(),
        }
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Add(hung, returns) => self.add(hung, returns),
            Event::FireRoot(outcome) => {
                if let Some(root) = self.root.take() {
                    root.fire(outcome.map_err(to_failure));
                }
            }
            Event::FireInner(index, outcome) => {
                if let Some(resolver) = self.resolvers[index].take() {
                    resolver.fire(outcome.map_err(to_failure));
                }
            }
            Event::DropInner(index) => drop(self.resolvers[index].take()),
            Event::Cancel => self.end.as_ref().expect("always there").cancel(),
        }
    }

    fn add(&mut self, hung: Hung, returns: Returns) {
        let (number, trace, inner) = (self.added, self.trace.clone(), self.inner.clone());
        self.added += 1;
        let run = move |input: Outcome| {
            trace.note(format!("{number} {input:?}"));
            match returns {
                Returns::Result(outcome) => {
                    Deferred::from_result(add(input, outcome).map_err(to_failure))
                }
                Returns::Inner(index) => {
                    let inner = inner.borrow_mut()[index].take();
                    inner.unwrap_or_else(|| Deferred::succeed(0))
                }
            }
        };
        let end = self.end.take().expect("always there");
        self.end = Some(match hung {
            Hung::Callback => end.add_callback(move |value| run(Ok(value))),
            Hung::Errback => end.add_errback(move |failure| run(Err(to_number(&failure)))),
            Hung::Both => end.add_both(move |result| run(result.map_err(|f| to_number(&f)))),
        });
    }

    fn result(self) -> Option<Outcome> {
        let result = self.end.expect("always there").into_result().ok()?;
        Some(result.map_err(|failure| to_number(&failure)))
    }
}

proptest! {
    #[test]
    fn any_program_does_what_the_model_does(events in prop::collection::vec(event(), 0..60)) {
        let mut real = Real::new();
        let mut model = Model {
            at: At::Root,
            stages: VecDeque::new(),
            added: 0,
            inner: [(None, false); INNER],
            trace: Vec::new(),
        };
        for event in &events {
            real.apply(event);
            model.apply(event);
            prop_assert_eq!(&*real.trace.0.borrow(), &model.trace, "after {:?}", event);
        }
        let expected = match model.at {
            At::Has(outcome) => Some(outcome),
            At::Root | At::Inner(_) => None,
        };
        prop_assert_eq!(real.result(), expected);
    }
}
