//! A Deferred is a future; a task of the reactor waits for it without touching its Waker.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::super::local_task::{LocalTask, current, poll_as};
use super::{Trace, failure, logged};
use crate::{Deferred, DeferredQueue, Failure};

/// Counts wakes; how many clones of its Waker there are is the strong count.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Alarm {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A reactor's task as the seam sees it.
struct TestTask {
    waker: Waker,
    woken: Cell<usize>,
    calls: RefCell<Vec<Box<dyn FnOnce()>>>,
}

impl TestTask {
    fn new(alarm: &Arc<Alarm>) -> Rc<Self> {
        let waker = Waker::from(Arc::clone(alarm));
        Rc::new(Self { waker, woken: Cell::new(0), calls: RefCell::default() })
    }

    fn poll<F: Future>(self: &Rc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let poll = || future.poll(&mut Context::from_waker(&self.waker));
        poll_as(Rc::<Self>::clone(self), poll).expect("it does not panic")
    }

    fn drop_within<F>(self: &Rc<Self>, future: F) {
        poll_as(Rc::<Self>::clone(self), || drop(future)).expect("it does not panic");
    }

    fn run_calls(&self) {
        self.calls.take().into_iter().for_each(|call| call());
    }
}

impl LocalTask for TestTask {
    fn waker(&self) -> &Waker {
        &self.waker
    }

    fn wake_local(self: Rc<Self>) {
        self.woken.set(self.woken.get() + 1);
    }

    fn call_soon(&self, call: Box<dyn FnOnce()>) {
        self.calls.borrow_mut().push(call);
    }
}

fn is_ok(poll: &Poll<Result<u32, Failure>>, value: u32) -> bool {
    matches!(poll, Poll::Ready(Ok(ready)) if *ready == value)
}

#[test]
fn awaiting_a_fired_one_is_ready_at_once() {
    let mut future = pin!(Deferred::succeed(1).into_future());
    assert!(is_ok(&future.as_mut().poll(&mut Context::from_waker(Waker::noop())), 1));
    assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[test]
fn any_executor_is_woken_through_its_waker() {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let (resolver, answer) = Deferred::<u32>::new();
    let mut future = pin!(async { Ok(answer.await? + 1) });
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    resolver.callback(1);
    assert_eq!(alarm.wakes(), 1);
    assert!(is_ok(&future.poll(&mut Context::from_waker(&waker)), 2));
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let (first, second) = (Arc::new(Alarm::default()), Arc::new(Alarm::default()));
    let (resolver, answer) = Deferred::<u32>::new();
    let mut future = pin!(answer.into_future());
    for alarm in [&first, &second] {
        let waker = Waker::from(Arc::clone(alarm));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    resolver.callback(1);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

#[test]
fn a_task_of_the_reactor_is_woken_without_its_waker() {
    let alarm = Arc::new(Alarm::default());
    let task = TestTask::new(&alarm);
    let clones = Arc::strong_count(&alarm);
    let (resolver, answer) = Deferred::<u32>::new();
    let mut future = pin!(answer.into_future());
    assert!(task.poll(future.as_mut()).is_pending());
    assert_eq!(Arc::strong_count(&alarm), clones);
    resolver.callback(1);
    assert_eq!((task.woken.get(), alarm.wakes()), (1, 0));
    assert!(is_ok(&task.poll(future), 1));
}

#[test]
fn a_combinator_with_a_waker_of_its_own_is_woken_through_that() {
    let (task_alarm, inner_alarm) = (Arc::new(Alarm::default()), Arc::new(Alarm::default()));
    let task = TestTask::new(&task_alarm);
    let inner_waker = Waker::from(Arc::clone(&inner_alarm));
    let (resolver, answer) = Deferred::<u32>::new();
    let mut future = pin!(answer.into_future());
    let mut combinator = pin!(std::future::poll_fn(|_| {
        future.as_mut().poll(&mut Context::from_waker(&inner_waker))
    }));
    assert!(task.poll(combinator.as_mut()).is_pending());
    resolver.callback(1);
    assert_eq!((task.woken.get(), inner_alarm.wakes()), (0, 1));
}

#[test]
fn the_chain_may_wait_inside_while_it_is_awaited() {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let (outer, start) = Deferred::<()>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let mut future = pin!(start.add_callback(move |()| answer).into_future());
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    outer.callback(());
    assert_eq!(alarm.wakes(), 0);
    inner.callback(3);
    assert_eq!(alarm.wakes(), 1);
    assert!(is_ok(&future.poll(&mut Context::from_waker(&waker)), 3));
}

#[test]
fn dropping_a_pending_await_cancels_at_once_outside_of_a_task() {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, answer) = Deferred::<u32>::with_canceller(move || traced.note("canceller"));
    let mut future = answer.into_future();
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(future);
    trace.assert(&["canceller"]);
    assert!(resolver.is_cancelled());
    assert_eq!(alarm.wakes(), 0);
}

#[test]
fn dropping_a_pending_await_in_a_task_announces_the_cancel_and_queues_it() {
    let task = TestTask::new(&Arc::default());
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, answer) = Deferred::<u32>::with_canceller(move || traced.note("canceller"));
    let mut future = Box::pin(answer.into_future());
    assert!(task.poll(future.as_mut()).is_pending());
    task.drop_within(future);
    trace.assert(&[]);
    assert!(resolver.is_cancelled());
    task.run_calls();
    trace.assert(&["canceller"]);
}

#[test]
fn an_await_that_was_never_polled_is_cancelled_through_the_task_that_drops_it() {
    let task = TestTask::new(&Arc::default());
    let (resolver, answer) = Deferred::<u32>::new();
    task.drop_within(answer.into_future());
    assert_eq!(task.calls.borrow().len(), 1);
    task.run_calls();
    assert!(resolver.is_cancelled());
}

#[test]
fn a_resolver_dropped_after_the_announcement_is_cancelled_not_abandoned() {
    let task = TestTask::new(&Arc::default());
    let lines = logged(|| {
        let (resolver, answer) = Deferred::<u32>::new();
        task.drop_within(answer.into_future());
        drop(resolver);
        task.run_calls();
    });
    assert!(lines.iter().all(|(level, _)| *level == tracing::Level::DEBUG), "{lines:?}");
}

#[test]
fn a_queue_gives_no_value_to_a_get_whose_cancel_is_on_its_way() {
    let task = TestTask::new(&Arc::default());
    let queue = DeferredQueue::new(1, 1);
    let mut dropped = Box::pin(queue.get().into_future());
    assert!(task.poll(dropped.as_mut()).is_pending());
    task.drop_within(dropped);
    queue.put(1).expect("there is room");
    task.run_calls();
    assert_eq!(super::value(queue.get()), 1);
}

#[test]
fn dropping_an_await_that_is_ready_cancels_nothing_but_its_failure_is_logged() {
    let lines = logged(|| {
        let (resolver, answer) = Deferred::<u32>::new();
        let mut future = Box::pin(answer.into_future());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        resolver.errback(failure("oh"));
        drop(future);
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].1.contains("oh"));
}

#[test]
fn the_current_task_is_put_back_after_a_panic() {
    let (outer, inner) = (TestTask::new(&Arc::default()), TestTask::new(&Arc::default()));
    let polled = poll_as(Rc::<TestTask>::clone(&outer), || {
        assert!(poll_as(inner, || panic!("in a poll")).is_err());
        let now = current().expect("the outer one");
        now.call_soon(Box::new(|| {}));
    });
    assert!(polled.is_ok());
    assert_eq!(outer.calls.borrow().len(), 1);
    assert!(current().is_none());
}
