//! [`Workers`]: several reactors, each on a thread of its own, made by one set-up function.
//!
//! A reactor uses one core. A program that needs more runs several, and each is as it would be alone: its
//! protocols and their state are plain values of its thread, and what it wants of another it sends there as a
//! call ([`ReactorRemote`]). What the set-up functions listen on is shared: they open the same endpoints, and
//! each worker gets some of the connections (see `shared_port.rs`).

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, JoinHandle};

use ropewalk_core::{Deferred, Failure, FailureKind, Loop, Outcome, Reactor, ReactorRemote};

use crate::driver::NetDriver;
use crate::shared_port::SharedPorts;
use crate::signals::stop_on_signals;

/// Several reactors on as many threads.
///
/// # Sharing
/// What the set-up functions listen on is one port for all, until the result of the set-up has fired; what a
/// worker opens later is its own. `tcp:`, `unix:`, `udp:` and `unixgram:` endpoints are shared so, by the
/// address that they were given; TCP's port 0 is then the same port in all workers. A UDP socket at port 0 is
/// never shared: the answers to what it asks are its own. `systemd:` and `fd:` adopt one socket as often as
/// there are workers. What is one connection (`stdio:`, a connected `fd:`) cannot be shared and fails.
///
/// # Platform
/// TCP and UDP sockets are shared by `SO_REUSEPORT`: the system chooses a worker by the addresses and ports of
/// both ends. When one of them stops listening, the connections that the system has queued for it and that it
/// has not accepted yet are reset, unless `net.ipv4.tcp_migrate_req` is 1. For others, and with
/// [`AcceptBalance::Fewest`], there is one socket, and what is queued waits for the workers that are left.
///
/// # Example: one counter over all workers
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use ropewalk_net::Workers;
///
/// let started = Arc::new(AtomicUsize::new(0));
/// let count = started.clone();
/// let running = Workers::new(2).start(move |_, _| {
///     count.fetch_add(1, Ordering::SeqCst);
/// })?;
/// assert_eq!(started.load(Ordering::SeqCst), 2);
/// running.stop();
/// running.wait()?;
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workers {
    /// How many; 0 is taken for 1.
    pub count: usize,
    /// The driver of each, as [`NetDriver::wanted`] knows it. Default: the best one that works.
    pub reactor: Option<String>,
    /// Who gets a new connection. Default: whom the system chooses.
    pub accept_balance: AcceptBalance,
}

/// Which worker gets a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AcceptBalance {
    /// The one that the system chooses. Costs nothing, and is even enough where connections are many or short.
    #[default]
    System,
    /// The one that has the fewest connections of that port, for connections that are few, long and busy.
    /// Whoever accepts a connection hands it over, which costs a call between threads and, for as long as the
    /// connection lives, some 200 bytes.
    Fewest,
}

/// One of several reactors, as it knows itself and the others. Cheap to clone, and may be sent to any thread.
#[derive(Clone)]
pub struct Worker {
    index: usize,
    remotes: Arc<[ReactorRemote]>,
    pub(crate) ports: Arc<SharedPorts>,
}

/// Workers that have been set up. Dropping it stops them all and waits for them.
pub struct RunningWorkers {
    remotes: Arc<[ReactorRemote]>,
    stop: Arc<StopFlag>,
    threads: Vec<JoinHandle<()>>,
    news: Receiver<News>,
}

/// What a worker's thread says to who started it.
enum News {
    Made(usize, ReactorRemote),
    Ready,
    Ended(Result<(), Failure>),
}

impl Workers {
    /// `count` workers, with the defaults.
    pub fn new(count: usize) -> Self {
        Self { count, reactor: None, accept_balance: AcceptBalance::default() }
    }

    /// One worker for each core that this process may use.
    pub fn for_all_cores() -> Self {
        Self::new(thread::available_parallelism().map_or(1, Into::into))
    }

    /// Runs the workers until SIGINT or SIGTERM, or until one of them ends; then all end, and it returns. To be
    /// stopped while they are set up is no failure.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`RunningWorkers::wait`]; `System` if the signals cannot be caught.
    pub fn run<R: Outcome>(
        &self,
        set_up: impl Fn(&Worker, &Reactor) -> R + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let started = self.start(move |worker, reactor| match stop_on_signals(reactor) {
            Ok(()) => set_up(worker, reactor).into_deferred(),
            Err(failure) => Deferred::fail(failure),
        });
        match started {
            Ok(running) => running.wait(),
            Err(failure) if failure.is(FailureKind::Stopped) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Starts the workers: on each thread `set_up` gets its reactor ready. Returns when what they gave has
    /// fired in all of them.
    ///
    /// # Errors
    /// The first failure of a driver or a set-up, with the number of the worker; the others are stopped. A
    /// panic in a set-up is such a failure.
    pub fn start<R: Outcome>(
        &self,
        set_up: impl Fn(&Worker, &Reactor) -> R + Send + Sync + 'static,
    ) -> Result<RunningWorkers, Failure> {
        let count = self.count.max(1);
        let (tell, news) = channel();
        let (stop, set_up) = (Arc::<StopFlag>::default(), Arc::new(set_up));
        let (mut threads, mut begin) = (Vec::new(), Vec::new());
        for index in 0..count {
            let (send, receive) = channel();
            let thread = Thread {
                index,
                tell: tell.clone(),
                stop: stop.clone(),
                begin: receive,
                ready: Cell::new(false),
            };
            let (reactor, set_up) = (self.reactor.clone(), set_up.clone());
            let builder = thread::Builder::new().name(format!("ropewalk-worker-{index}"));
            let started = builder.spawn(move || thread.run(reactor.as_deref(), &*set_up));
            // The threads before it end when `begin` is dropped.
            threads.push(started.map_err(|error| {
                Failure::from(error).context(format!("start worker {index}'s thread"))
            })?);
            begin.push(send);
        }
        drop(tell);
        let mut running = RunningWorkers { remotes: Arc::new([]), stop, threads, news };
        running.remotes = match running.made(count) {
            Ok(remotes) => remotes,
            Err(failure) => {
                drop(begin); // So that the others need not wait.
                return Err(failure);
            }
        };
        let ports = Arc::new(SharedPorts::new(self.accept_balance, running.remotes.clone()));
        for (index, begin) in begin.into_iter().enumerate() {
            let worker = Worker { index, remotes: running.remotes.clone(), ports: ports.clone() };
            let _ = begin.send(worker); // One that is gone has said so.
        }
        running.all_ready(count)?;
        Ok(running)
    }
}

/// What a worker's thread has of the others.
struct Thread {
    index: usize,
    tell: Sender<News>,
    stop: Arc<StopFlag>,
    begin: Receiver<Worker>,
    /// Whether its set-up has fired.
    ready: Cell<bool>,
}

impl Thread {
    fn run<R: Outcome>(self, reactor: Option<&str>, set_up: &impl Fn(&Worker, &Reactor) -> R) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.work(reactor, set_up)))
            .unwrap_or_else(|panic| Err(Failure::from_panic(&*panic)))
            .map_err(|failure| failure.context(format!("worker {}", self.index)));
        if let (Err(failure), true) = (&ended, self.ready.get()) {
            // Who started the workers may not wait for them yet.
            tracing::error!(target: "ropewalk::net", "{failure}; all workers stop");
        }
        // First the news, so that the end that made the others stop is told before theirs.
        let _ = self.tell.send(News::Ended(ended)); // It may be that nobody listens.
        self.stop.raise();
    }

    fn work<R: Outcome>(
        &self,
        reactor: Option<&str>,
        set_up: &impl Fn(&Worker, &Reactor) -> R,
    ) -> Result<(), Failure> {
        let driver = NetDriver::wanted(reactor)?;
        let set_up_for = driver.worker();
        let main_loop = Loop::new(driver);
        let reactor = main_loop.reactor();
        let _ = self.tell.send(News::Made(self.index, reactor.remote()));
        let Ok(worker) = self.begin.recv() else { return Ok(()) }; // Another could not be made.
        stop_when_raised(reactor, self.stop.clone());
        set_up_for.replace(Some(worker.clone()));
        let ready = main_loop.run_until(set_up(&worker, reactor).into_deferred());
        set_up_for.replace(None);
        ready?;
        self.ready.set(true);
        let _ = self.tell.send(News::Ready);
        main_loop.run()
    }
}

/// Stops the reactor when a worker has ended, or all are to.
fn stop_when_raised(reactor: &Reactor, stop: Arc<StopFlag>) {
    let stopped = reactor.clone();
    let waiting = reactor.spawn(async move {
        stop.raised().await;
        stopped.stop()
    });
    drop(waiting.add_errback(|_| ())); // It is stopping already, and that is why.
}

impl Worker {
    /// Which one it is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.remotes.len()
    }

    /// The way to each worker's reactor, its own among them, in the order of their numbers.
    pub fn remotes(&self) -> &[ReactorRemote] {
        &self.remotes
    }
}

impl RunningWorkers {
    /// The way to each worker's reactor, in the order of their numbers.
    pub fn remotes(&self) -> &[ReactorRemote] {
        &self.remotes
    }

    /// Has all workers stop, each as by [`Reactor::stop`]. Does not wait for them.
    pub fn stop(&self) {
        self.stop.raise();
    }

    /// Waits until all workers have ended. When one ends, the others are stopped.
    ///
    /// # Errors
    /// The first failure with which one of them ended, and its number. (A panic in a callback is the failure of
    /// its connection and ends no worker.)
    pub fn wait(mut self) -> Result<(), Failure> {
        self.end()
    }

    /// The remotes of all, once each has made its loop.
    fn made(&mut self, count: usize) -> Result<Arc<[ReactorRemote]>, Failure> {
        let mut made = Vec::with_capacity(count);
        while made.len() < count {
            match self.news.recv() {
                Ok(News::Made(index, remote)) => made.push((index, remote)),
                Ok(News::Ready) => {}
                Ok(News::Ended(ended)) => return Err(self.ended_early(ended)),
                Err(_) => return Err(self.ended_early(Ok(()))),
            }
        }
        made.sort_by_key(|(index, _)| *index);
        Ok(made.into_iter().map(|(_, remote)| remote).collect())
    }

    fn all_ready(&mut self, count: usize) -> Result<(), Failure> {
        for _ in 0..count {
            match self.news.recv() {
                Ok(News::Ready | News::Made(..)) => {}
                Ok(News::Ended(ended)) => return Err(self.ended_early(ended)),
                Err(_) => return Err(self.ended_early(Ok(()))),
            }
        }
        Ok(())
    }

    /// Why the start did not come to its end.
    fn ended_early(&self, ended: Result<(), Failure>) -> Failure {
        self.stop();
        let stopped = || Failure::new(FailureKind::Stopped, "a worker stopped while it was set up");
        ended.err().unwrap_or_else(stopped)
    }

    fn end(&mut self) -> Result<(), Failure> {
        let mut result = Ok(());
        // All senders are the threads', so this ends with the last of them.
        while let Ok(news) = self.news.recv() {
            if let News::Ended(ended) = news {
                result = result.and(ended);
            }
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // A panic was caught and told as the end.
        }
        result
    }
}

impl Drop for RunningWorkers {
    fn drop(&mut self) {
        self.stop();
        let _ = self.end(); // It has been logged.
    }
}

/// Raised once, for all workers; unlike a call from a thread it cannot be refused.
#[derive(Default)]
struct StopFlag(Mutex<Flag>);

#[derive(Default)]
struct Flag {
    raised: bool,
    waiting: Vec<Waker>,
}

impl StopFlag {
    fn raise(&self) {
        let waiting = {
            let mut flag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flag.raised = true;
            std::mem::take(&mut flag.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ready once it is raised. Polled by one task of each worker, and only when that was woken.
    async fn raised(&self) {
        poll_fn(|cx| {
            let mut flag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if flag.raised {
                return Poll::Ready(());
            }
            flag.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("index", &self.index).finish_non_exhaustive()
    }
}
