//! Tasks: what a cancel and a drop do, and how they are woken.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use ropewalk_core::{Deferred, FailureKind};

use crate::puppet::Stage;

fn cancellable() -> (ropewalk_core::Resolver<()>, Deferred<()>, Rc<Cell<u32>>) {
    let cancelled = Rc::new(Cell::new(0));
    let count = cancelled.clone();
    let (resolver, pending) = Deferred::with_canceller(move || count.set(count.get() + 1));
    (resolver, pending, cancelled)
}

#[test]
fn dropping_a_task_detaches_and_cancelling_it_cancels_what_it_awaits() {
    let stage = Stage::new();
    let (_resolver, pending, cancelled) = cancellable();
    let task = stage.reactor().spawn(async move { pending.await });
    stage.turns();
    task.cancel();
    assert_eq!(cancelled.get(), 0, "the canceller is queued, not run in the drop");
    assert!(task.is_fired());
    stage.turns();
    assert_eq!(cancelled.get(), 1);
    assert!(matches!(task.into_result(), Ok(Err(failure)) if failure.is(FailureKind::Cancelled)));

    let (resolver, pending, cancelled) = cancellable();
    let done = Rc::new(Cell::new(false));
    let flag = done.clone();
    drop(stage.reactor().spawn(async move {
        pending.await?;
        flag.set(true);
        Ok(())
    }));
    stage.turns();
    resolver.callback(());
    stage.turns();
    assert_eq!((done.get(), cancelled.get()), (true, 0));
}

#[test]
fn dropping_an_await_inside_of_a_task_queues_the_canceller() {
    let stage = Stage::new();
    let (_resolver, pending, cancelled) = cancellable();
    let seen = cancelled.clone();
    let task = stage.reactor().spawn(async move {
        {
            let mut waiting = pin!(pending.into_future());
            poll_fn(|cx| {
                assert!(waiting.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        Ok(seen.get())
    });
    stage.turns();
    assert!(matches!(task.into_result(), Ok(Ok(0))), "it did not run inside of the drop");
    assert_eq!(cancelled.get(), 1);
}

/// Gives its waker away; ready when it is told so.
async fn told(waker: Rc<RefCell<Option<Waker>>>, done: Rc<Cell<bool>>, polls: Rc<Cell<u32>>) {
    poll_fn(move |cx| {
        polls.set(polls.get() + 1);
        waker.replace(Some(cx.waker().clone()));
        if done.get() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn a_waker_works_from_another_thread_and_many_wakes_are_one() {
    let stage = Stage::new();
    let (waker, done, polls) = (Rc::default(), Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
    let task = stage.reactor().spawn({
        let told = told(Rc::clone(&waker), done.clone(), polls.clone());
        async move {
            told.await;
            Ok(())
        }
    });
    stage.turns();
    assert_eq!(polls.get(), 1, "it is not polled unless it is woken");
    let given: Waker = waker.take().expect("it was polled");
    let other = given.clone();
    std::thread::spawn(move || (0..1000).for_each(|_| other.wake_by_ref()))
        .join()
        .expect("it ends");
    stage.turns();
    assert_eq!(polls.get(), 2);
    done.set(true);
    given.wake();
    stage.turns();
    assert!(task.is_fired());
}

#[test]
fn a_waker_that_outlives_its_task_or_its_loop_wakes_nobody() {
    let stage = Stage::new();
    let (waker, done, polls) = (Rc::default(), Rc::new(Cell::new(true)), Rc::new(Cell::new(0)));
    let first = told(Rc::clone(&waker), done, polls.clone());
    let task = stage.reactor().spawn(async move {
        first.await;
        Ok(())
    });
    stage.turns();
    assert!(task.is_fired());
    let old: Waker = waker.take().expect("it was polled");
    let second_polls = Rc::new(Cell::new(0));
    let second = told(waker, Rc::default(), second_polls.clone());
    drop(stage.reactor().spawn(async move {
        second.await;
        Ok(())
    }));
    stage.turns();
    old.wake_by_ref();
    stage.turns();
    assert_eq!((polls.get(), second_polls.get()), (1, 1), "numbers are not used twice");
    drop(stage);
    old.wake();
}

#[test]
fn a_task_that_panics_fails_and_ends_nothing_else() {
    let stage = Stage::new();
    let bad = stage.reactor().spawn(async { if true { panic!("on purpose") } else { Ok(()) } });
    let good = stage.reactor().spawn(async { Ok(7) });
    stage.turns();
    assert!(matches!(bad.into_result(), Ok(Err(failure)) if failure.is(FailureKind::Panic)));
    assert!(matches!(good.into_result(), Ok(Ok(7))));
}
