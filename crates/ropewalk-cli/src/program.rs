//! What all programs of the command have in common: the loop, the signals, the log and the errors.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::rc::Rc;

use ropewalk::{
    Address, DatagramProtocol, Deferred, EndpointError, Failure, FailureKind, ListeningPort,
    Reactor, net,
};

/// What a program has opened: a port for connections, or (`None`) a socket for datagrams.
pub(crate) type Opened = Option<ListeningPort>;

/// How many reactors a program runs on.
#[derive(clap::Args)]
pub(crate) struct Crew {
    /// Run on so many threads, each with its own reactor and a share of the connections
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=WORKERS_MAX))]
    workers: u16,
    /// Who of the workers gets a new connection: whom the system chooses, or who has the fewest
    #[arg(long, value_name = "HOW", value_enum, default_value = "system")]
    accept_balance: Balance,
}

/// More than any machine has cores: a larger number is a mistake.
const WORKERS_MAX: i64 = 1_024;

#[derive(Clone, Copy, clap::ValueEnum)]
enum Balance {
    System,
    Fewest,
}

/// Runs a program: sets it up with `start`, then the loop until it is stopped, or until nobody can come any
/// more. A set-up that fails ends it.
pub(crate) fn run(
    reactor: Option<&str>,
    crew: &Crew,
    start: impl Fn(&Place, &Reactor) -> Result<Vec<Deferred<Opened>>, Failure> + Send + Sync + 'static,
) -> Result<(), Failure> {
    if crew.workers > 1 {
        return run_workers(reactor, crew, start);
    }
    let main_loop = net::new_loop(reactor)?;
    net::stop_on_signals(main_loop.reactor())?;
    let place = Place { is_first: true, trouble: Rc::default() };
    let opening = start(&place, main_loop.reactor())?;
    let opened = main_loop.run_until(all_of(main_loop.reactor(), opening))?;
    // A socket for datagrams has no end of its own.
    if let Some(ports) = opened.into_iter().collect() {
        stop_after(main_loop.reactor(), ports);
    }
    main_loop.run()?;
    place.trouble.take().map_or(Ok(()), Err)
}

fn run_workers(
    reactor: Option<&str>,
    crew: &Crew,
    start: impl Fn(&Place, &Reactor) -> Result<Vec<Deferred<Opened>>, Failure> + Send + Sync + 'static,
) -> Result<(), Failure> {
    let workers = net::Workers {
        reactor: reactor.map(str::to_owned),
        accept_balance: match crew.accept_balance {
            Balance::System => net::AcceptBalance::System,
            Balance::Fewest => net::AcceptBalance::Fewest,
        },
        ..net::Workers::new(crew.workers.into())
    };
    workers.run(move |worker, reactor| {
        let place = Place { is_first: worker.index() == 0, trouble: Rc::default() };
        start(&place, reactor).map_or_else(Deferred::fail, |opening| all_of(reactor, opening))
    })
}

/// Which of the threads that a program runs on this is, and what goes wrong there.
pub(crate) struct Place {
    is_first: bool,
    pub(crate) trouble: Trouble,
}

impl Place {
    /// Whether it is the first, or the only one.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }
}

/// What a program fails with when its loop has ended as it should.
pub(crate) type Trouble = Rc<Cell<Option<Failure>>>;

/// Waits for all of them; fails with the first failure in their order.
fn all_of(reactor: &Reactor, opening: Vec<Deferred<Opened>>) -> Deferred<Vec<Opened>> {
    reactor.spawn(async move {
        let mut opened = Vec::new();
        for one in opening {
            opened.push(one.await?);
        }
        Ok(opened)
    })
}

/// Stops the reactor once all ports have stopped and their connections are lost: those for standard input, or
/// for one connection that a super-server has accepted, stop with it.
fn stop_after(reactor: &Reactor, ports: Vec<ListeningPort>) {
    let stopped = reactor.clone();
    let watching = reactor.spawn(async move {
        for port in ports {
            port.stopped().await?;
            port.drained().await?;
        }
        stopped.stop()
    });
    drop(watching.add_errback(|_| ())); // It is stopping already, and that is why.
}

/// Where a program speaks: on standard output, or beside it when that is one of its connections.
#[derive(Clone, Copy)]
pub(crate) enum Voice {
    Output,
    Error,
    /// Of all workers but the first, who has said it.
    Silent,
}

impl Voice {
    /// The voice of a program that listens there.
    pub(crate) fn beside(listen: &[String], place: &Place) -> Self {
        match listen.iter().any(|text| word_of(text) == "stdio") {
            _ if !place.is_first => Self::Silent,
            true => Self::Error,
            false => Self::Output,
        }
    }

    /// Says where the program listens; the last word of the line is the address. Of standard input and output
    /// there is nothing to say.
    pub(crate) fn announce(self, kind: &str, host: &Address) {
        if kind != "stdio" {
            self.say(format_args!("listening on {kind} {host}"));
        }
    }

    /// Says something. That nobody listens there is no reason to stop.
    pub(crate) fn say(self, line: impl Display) {
        let _ = match self {
            Self::Output => writeln!(io::stdout(), "{line}"),
            Self::Error => writeln!(io::stderr(), "{line}"),
            Self::Silent => Ok(()),
        };
    }
}

/// The first word of an endpoint string.
pub(crate) fn word_of(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// Opens a socket for datagrams, and says where it is.
pub(crate) fn open_datagrams(
    reactor: &Reactor,
    text: &str,
    protocol: impl DatagramProtocol,
    voice: Voice,
) -> Result<Deferred<Opened>, Failure> {
    let endpoint = ropewalk::endpoints(reactor).datagram(text).map_err(endpoint_error)?;
    let word = word_of(text).to_owned();
    Ok(reactor.open(&endpoint, protocol).add_callback(move |socket| {
        voice.announce(&word, &socket.host());
        Ok(None)
    }))
}

/// An error of an endpoint string, which says everything itself.
pub(crate) fn endpoint_error(error: EndpointError) -> Failure {
    Failure::from_error(FailureKind::Local, error)
}

/// Says on one line what went wrong.
pub(crate) fn complain(failure: impl Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "ropewalk: {failure}");
    ExitCode::from(2)
}

/// What is wrong with the command line, on one line; or the help that was asked for.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.to_string();
    // The first paragraph says what is wrong; what follows is advice.
    let lines: Vec<&str> =
        text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let what = lines.join(" ");
    complain(format_args!("{} (see --help)", what.trim_start_matches("error: ")))
}

/// Warnings and errors of the library, one line each, on standard error; `stdio:` has standard output.
pub(crate) fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_max_level(tracing::Level::WARN)
        .with_target(false)
        .without_time()
        .init();
}
