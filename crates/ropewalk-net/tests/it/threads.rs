//! Jobs in threads, and the system's resolver.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use ropewalk_core::{
    Deferred, Failure, FailureKind, Loop, ReactorLimits, Resolve, ShutdownPart, gather_results,
};
use ropewalk_net::{NetDriver, SystemResolver, ThreadPool, ThreadPoolLimits, new_loop};

fn pool(threads_max: usize, jobs_max: usize) -> (Loop, ThreadPool) {
    let main_loop = new_loop(None).unwrap();
    let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits { threads_max, jobs_max });
    (main_loop, pool)
}

/// Lets threads wait until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
    }
}

#[test]
fn results_failures_and_panics_come_back() {
    let (main_loop, pool) = pool(3, 100);
    let name = pool.defer_to_thread(|| Ok(std::thread::current().name().map(str::to_owned)));
    assert!(!name.is_fired());
    assert_eq!(main_loop.run_until(name).unwrap().unwrap(), "ropewalk-pool-1");
    let failed = pool.defer_to_thread(|| Err::<(), _>(Failure::new(FailureKind::Peer, "no")));
    assert!(main_loop.run_until(failed).unwrap_err().is(FailureKind::Peer));
    let panicked = pool.defer_to_thread(|| -> Result<(), Failure> { panic!("on purpose") });
    assert!(main_loop.run_until(panicked).unwrap_err().is(FailureKind::Panic));
    main_loop.run_until(pool.defer_to_thread(|| ())).unwrap();
}

#[test]
fn no_more_threads_than_allowed_and_as_many_as_needed() {
    let (main_loop, pool) = pool(3, 100);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Gate::default();
    let jobs: Vec<_> = (0..20)
        .map(|_| {
            let (running, most, gate) = (running.clone(), most.clone(), gate.clone());
            pool.defer_to_thread(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                if most.fetch_max(now, Ordering::SeqCst) == 2 && now == 3 {
                    gate.open();
                }
                gate.pass();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    main_loop.run_until(gather_results(jobs)).unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_full_pool_refuses_and_a_cancelled_job_makes_room() {
    let (main_loop, pool) = pool(1, 1);
    let (begun, has_begun) = mpsc::channel();
    let gate = Gate::default();
    let busy = pool.defer_to_thread({
        let gate = gate.clone();
        move || {
            begun.send(()).unwrap();
            gate.pass();
        }
    });
    has_begun.recv().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let job = |ran: &Arc<AtomicUsize>| {
        let ran = ran.clone();
        move || assert_eq!(ran.fetch_add(1, Ordering::SeqCst), 0)
    };
    let waiting = pool.defer_to_thread(job(&ran));
    let refused = pool.defer_to_thread(job(&ran)).into_result().unwrap().unwrap_err();
    assert!(refused.is(FailureKind::Limit));
    assert_eq!(refused.to_string(), "1 jobs wait for a thread already (jobs_max)");
    waiting.cancel();
    assert!(waiting.into_result().unwrap().unwrap_err().is(FailureKind::Cancelled));
    let other = pool.defer_to_thread(job(&ran));
    busy.cancel();
    drop(busy.add_errback(|_| ()));
    gate.open();
    main_loop.run_until(other).unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1, "the cancelled one never ran");
}

#[test]
fn results_come_though_the_inbox_of_calls_is_full() {
    let limits = ReactorLimits { remote_calls_max: 0, ..ReactorLimits::default() };
    let main_loop = Loop::with_limits(NetDriver::new().unwrap(), limits);
    let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
    assert!(main_loop.reactor().remote().call_from_thread(|_| ()).is_err());
    let jobs = (0..1000).map(|n| pool.defer_to_thread(move || Ok(n))).collect();
    let results = main_loop.run_until(gather_results(jobs)).unwrap();
    assert_eq!(results, (0..1000).collect::<Vec<_>>());
}

/// Tells when the thread that holds it ends.
fn when_this_thread_ends(tell: mpsc::Sender<()>) {
    struct Tell(mpsc::Sender<()>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    thread_local!(static KEPT: RefCell<Option<Tell>> = const { RefCell::new(None) });
    KEPT.set(Some(Tell(tell)));
}

#[test]
fn threads_end_with_the_pool_and_with_the_loop() {
    for drop_the_loop in [false, true] {
        let (main_loop, pool) = pool(1, 10);
        let (tell, ended) = mpsc::channel();
        main_loop.run_until(pool.defer_to_thread(move || when_this_thread_ends(tell))).unwrap();
        if drop_the_loop {
            drop(main_loop);
            let late = pool.defer_to_thread(|| ()).into_result().unwrap();
            assert!(late.unwrap_err().is(FailureKind::Stopped));
        } else {
            drop(pool);
        }
        ended.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}

#[test]
fn jobs_that_wait_are_done_though_the_pool_is_dropped() {
    let (main_loop, pool) = pool(1, 10);
    let jobs = (0..5).map(|n| pool.defer_to_thread(move || Ok(n))).collect();
    drop(pool);
    assert_eq!(main_loop.run_until(gather_results(jobs)).unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_shutdown_can_wait_for_a_job() {
    let (main_loop, pool) = pool(1, 10);
    let saved = Arc::new(AtomicUsize::new(0));
    let to_save = saved.clone();
    main_loop.reactor().add_system_event_trigger(ShutdownPart::Before, move || -> Deferred<()> {
        pool.defer_to_thread(move || to_save.store(1, Ordering::SeqCst))
    });
    let reactor = main_loop.reactor().clone();
    main_loop.reactor().call_soon(move || reactor.stop().unwrap());
    main_loop.run().unwrap();
    assert_eq!(saved.load(Ordering::SeqCst), 1);
}

#[test]
fn the_system_knows_localhost_and_not_every_name() {
    let main_loop = new_loop(None).unwrap();
    let resolver: Rc<dyn Resolve> = Rc::new(SystemResolver::new(main_loop.reactor()));
    let found = main_loop.run_until(resolver.resolve(main_loop.reactor(), "localhost")).unwrap();
    assert!(found.iter().all(|address| address.is_loopback()) && !found.is_empty());
    let nothing =
        main_loop.run_until(resolver.resolve(main_loop.reactor(), "no.such.name.invalid"));
    let failure = nothing.unwrap_err();
    assert!(failure.is(FailureKind::System));
    assert!(!failure.to_string().contains('\n'));
}
