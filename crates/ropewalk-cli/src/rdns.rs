//! `ropewalk rdns`: looks up the names of very many addresses, which come as a stream and leave as one.

use std::cell::{Cell, OnceCell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use ropewalk::dns::{Bulk, BulkOptions, BulkSummary, BulkWork, Dial, Finished, Next, ResolvConf};
use ropewalk::net::{self, ThreadPool, ThreadPoolLimits};
use ropewalk::{Failure, FailureKind, LoopingCall, Reactor, Time};

use crate::lookup::address_of;
use crate::progress::{Progress, Unit};
use crate::rdns_input::{Input, Taken};
use crate::rdns_output::{Format, Output};

/// What `ropewalk rdns` is told on the command line.
///
/// Input is a line for each address, network (192.0.2.0/24, 2001:db8::/120) or range (192.0.2.1-192.0.2.9); a # and what
/// follows it is a comment. A line that is none of these is told of with its number, and passed over. Output is a line for
/// each address.
///
/// Exit status: 0 when all have been asked for, whatever was found; 2 if it was asked wrongly; 130 if it was stopped before
/// the end, by SIGINT or SIGTERM.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of addresses; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// A server to ask, ADDRESS or ADDRESS:PORT, as often as there are; else those of /etc/resolv.conf
    #[arg(short, long, value_name = "SERVER")]
    server: Vec<String>,
    /// Lookups under way at a time
    #[arg(short, long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    concurrency: u32,
    /// Queries a second, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// How often to ask again, of the next server
    #[arg(long, value_name = "N", default_value_t = 2)]
    retries: u32,
    /// How long to wait for the first answer; twice as long for each after that
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    timeout: f64,
    /// In the order of the input, or as answers come
    #[arg(long, value_name = "ORDER", value_enum, default_value = "input")]
    order: Order,
    /// What a line looks like
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// Write to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on where FILE ends, with the same input
    #[arg(long, requires = "output")]
    resume: bool,
    /// No progress on the terminal, and no summary
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Input,
    Done,
}

/// How often what was found is written, however little it is.
const WRITE_EVERY: Duration = Duration::from_millis(200);

/// What a shell says of a program that a signal has ended.
const STATUS_STOPPED: u8 = 130;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// Looks everything up, and gives the exit status.
pub(crate) fn run(driver: Option<&str>, options: &Options) -> Result<ExitCode, Failure> {
    if options.resume && options.order == Order::Done {
        let why = "--resume needs --order input: else it is not known what was done";
        return Err(Failure::new(FailureKind::Local, why));
    }
    if !(0.001..=3600.0).contains(&options.timeout) {
        let why = "--timeout is a number of seconds, 0.001 to 3600";
        return Err(Failure::new(FailureKind::Local, why));
    }
    let (input, output) = open(options)?;
    let main_loop = net::new_loop(driver)?;
    let reactor = main_loop.reactor().clone();
    let servers = main_loop.run_until(reactor.spawn({
        let (reactor, named) = (reactor.clone(), options.server.clone());
        async move { servers(&reactor, &named).await }
    }))?;
    let total = options.total();
    let job = Job::new(&reactor, input, output, total, options);
    let (bulk, ended) = Bulk::start(
        &reactor,
        &Dial::new(ropewalk::endpoints(&reactor)),
        &servers,
        options.bulk(),
        Work(job.clone()),
    );
    job.watch(bulk)?;
    let summary = main_loop.run_until(reactor.spawn({
        let job = job.clone();
        async move {
            let summary = ended.await?;
            job.write_all().await?;
            Ok(summary)
        }
    }))?;
    job.tell(&summary, options);
    Ok(if job.was_stopped.get() { ExitCode::from(STATUS_STOPPED) } else { ExitCode::SUCCESS })
}

/// The input, and the output behind what is there already.
fn open(options: &Options) -> Result<(Input, Output), Failure> {
    let mut input = Input::open(&options.file)?;
    let mut output = Output::new(options.format);
    match &options.output {
        Some(path) if options.resume => input.skip(output.resume(path)?),
        Some(path) => output.create(path)?,
        None => output.begin(Box::new(io::stdout())),
    }
    Ok((input, output))
}

async fn servers(reactor: &Reactor, named: &[String]) -> Result<Vec<SocketAddr>, Failure> {
    if named.is_empty() {
        let conf = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        return Ok(ResolvConf::parse(&conf).servers);
    }
    let mut servers = Vec::new();
    for text in named {
        servers.extend(address_of(reactor, text, 53).await?);
    }
    Ok(servers)
}

impl Options {
    fn bulk(&self) -> BulkOptions {
        BulkOptions {
            concurrency: usize::try_from(self.concurrency).unwrap_or(usize::MAX),
            rate: self.rate,
            retries: self.retries,
            timeout: Duration::from_secs_f64(self.timeout),
            in_order: self.order == Order::Input,
            ..BulkOptions::default()
        }
    }

    fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// How many addresses a file has, for the bar; nobody waits for a count that nobody sees.
    fn total(&self) -> Option<u64> {
        let is_file = self.file.is_file() && self.shows_progress();
        is_file.then(|| Input::open(&self.file).ok()?.count())?
    }
}

/// The lookups of one run.
struct Job {
    input: RefCell<Input>,
    output: RefCell<Output>,
    is_reading: Cell<bool>,
    is_writing: Cell<bool>,
    waits_for_output: Cell<bool>,
    was_stopped: Cell<bool>,
    /// Why nothing can be written any more.
    failed: RefCell<Option<Failure>>,
    progress: RefCell<Progress>,
    begun: Time,
    reactor: Reactor,
    pool: ThreadPool,
    bulk: OnceCell<Bulk>,
}

impl Job {
    fn new(
        reactor: &Reactor,
        input: Input,
        output: Output,
        total: Option<u64>,
        options: &Options,
    ) -> Rc<Self> {
        let shows = options.shows_progress();
        let progress = Progress::new(reactor, Unit::Lookups, total, input.to_skip(), shows);
        Rc::new(Self {
            input: RefCell::new(input),
            output: RefCell::new(output),
            is_reading: Cell::new(false),
            is_writing: Cell::new(false),
            waits_for_output: Cell::new(false),
            was_stopped: Cell::new(false),
            failed: RefCell::new(None),
            progress: RefCell::new(progress),
            begun: reactor.now(),
            reactor: reactor.clone(),
            pool: ThreadPool::new(reactor, ThreadPoolLimits::default()),
            bulk: OnceCell::new(),
        })
    }

    /// Writes every moment, and stops on signals.
    fn watch(self: &Rc<Self>, bulk: Bulk) -> Result<(), Failure> {
        let _ = self.bulk.set(bulk);
        let job = self.clone();
        let writing = LoopingCall::new(&self.reactor, move || job.write_some());
        // It ends with the loop, which is no failure.
        drop(writing.start(WRITE_EVERY, false).add_both(|_| ()));
        for signal in [SIGINT, SIGTERM] {
            let job = self.clone();
            let watch = net::on_signal(&self.reactor, signal, move || {
                // Who asks twice does not want to wait for what is still to be written.
                if job.was_stopped.replace(true) {
                    job.reactor.crash();
                }
                job.stop();
            })?;
            watch.detach();
        }
        Ok(())
    }

    fn stop(&self) {
        if let Some(bulk) = self.bulk.get() {
            bulk.stop();
        }
    }

    fn wake(&self) {
        if let Some(bulk) = self.bulk.get() {
            bulk.wake();
        }
    }

    fn next(self: &Rc<Self>) -> Next {
        if self.failed.borrow().is_some() {
            return Next::End;
        }
        if self.output.borrow().is_full() {
            self.waits_for_output.set(true);
            return Next::Wait;
        }
        let taken = self.input.borrow_mut().take();
        match taken {
            Ok(Taken::Address(address)) => Next::Address(address),
            Ok(Taken::End) => Next::End,
            Ok(Taken::NeedsMore) => {
                self.read_more();
                Next::Wait
            }
            Err(failure) => {
                self.fail(failure);
                Next::End
            }
        }
    }

    /// Reads on in a thread: the input may be a pipe that somebody writes to slowly.
    fn read_more(self: &Rc<Self>) {
        let Some(mut source) = self.input.borrow_mut().lend_source() else { return };
        if self.is_reading.replace(true) {
            return;
        }
        let job = self.clone();
        let read = self.pool.defer_to_thread(move || {
            let piece = source.read();
            Ok((source, piece))
        });
        drop(read.add_both(move |read| {
            job.is_reading.set(false);
            match read {
                Ok((source, Ok(piece))) => job.input.borrow_mut().feed(source, &piece),
                Ok((_, Err(error))) => job.fail(Failure::from(error).context("read the addresses")),
                Err(failure) => job.fail(failure),
            }
            job.wake();
        }));
    }

    /// Writes what there is, in a thread, unless that is under way.
    fn write_some(self: &Rc<Self>) {
        if self.is_writing.get() {
            return;
        }
        let Some((mut sink, piece)) = self.output.borrow_mut().lend_sink() else { return };
        self.is_writing.set(true);
        let job = self.clone();
        let written = self.pool.defer_to_thread(move || {
            let written = sink.write_all(&piece).and_then(|()| sink.flush());
            Ok((sink, piece, written))
        });
        drop(written.add_both(move |written| {
            job.is_writing.set(false);
            match written {
                Ok((sink, piece, written)) => {
                    job.output.borrow_mut().give_back(sink, piece);
                    if let Err(error) = written {
                        job.fail(Failure::from(error).context("write the names"));
                    }
                }
                Err(failure) => job.fail(failure),
            }
            if job.output.borrow().is_due() {
                job.write_some();
            }
            if job.waits_for_output.replace(false) {
                job.wake();
            }
        }));
    }

    fn fail(&self, failure: Failure) {
        self.failed.borrow_mut().get_or_insert(failure);
        let bulk = self.bulk.get().cloned();
        self.reactor.call_soon(move || {
            if let Some(bulk) = bulk {
                bulk.stop();
            }
        });
    }

    /// Until nothing is left to be written.
    async fn write_all(self: &Rc<Self>) -> Result<(), Failure> {
        loop {
            if let Some(failure) = self.failed.borrow_mut().take() {
                return Err(failure);
            }
            self.write_some();
            if !self.is_writing.get() && self.output.borrow().is_empty() {
                return Ok(());
            }
            ropewalk::defer_later(&self.reactor, Duration::from_millis(1), || Ok(())).await?;
        }
    }

    fn tell(&self, summary: &BulkSummary, options: &Options) {
        self.progress.borrow_mut().finish();
        if options.quiet {
            return;
        }
        let took = self.reactor.now().since(self.begun);
        let text = told(summary, took, self.input.borrow().bad_lines());
        let _ = writeln!(io::stderr(), "{text}"); // Nobody may be there to read it.
    }
}

/// One line of what became of all.
fn told(summary: &BulkSummary, took: Duration, bad_lines: u64) -> String {
    let seconds = took.as_secs_f64();
    let rate = summary.done() as f64 / seconds.max(0.001);
    let BulkSummary { answered, none, failed, timed_out, sent, slowest } = summary;
    let mut text = format!(
        "{} addresses in {seconds:.1} s: {answered} have names, {none} have none, {failed} failed, \
         {timed_out} timed out; {rate:.0} a second, {sent} queries",
        summary.done()
    );
    if let Some((address, took)) = slowest {
        text += &format!("; the slowest was {address} with {:.3} s", took.as_secs_f64());
    }
    if bad_lines > 0 {
        text += &format!("; {bad_lines} bad lines");
    }
    text
}

/// What the lookups ask and tell.
struct Work(Rc<Job>);

impl BulkWork for Work {
    fn next(&mut self) -> Next {
        self.0.next()
    }

    fn finished(&mut self, finished: &Finished<'_>) {
        let job = &self.0;
        job.output.borrow_mut().push(finished);
        if job.output.borrow().is_due() {
            job.write_some();
        }
        job.progress.borrow_mut().advance(1);
    }
}
