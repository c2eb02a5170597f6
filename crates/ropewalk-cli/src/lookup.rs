//! `ropewalk lookup`: asks name servers, and shows what they say as `dig` does.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use ropewalk::dns::base::iana::{Class, OptRcode, Rtype};
use ropewalk::dns::{
    ClientLimits, Dial, Exchanger, LookupError, NameServer, QueryOptions, Question, ResolvConf,
    Response, Via, reverse_name,
};
use ropewalk::{Failure, FailureKind, Reactor, Resolve, SystemNames, Time, net};

use crate::lookup_output::Exchanged;

/// What `ropewalk lookup` is told on the command line.
///
/// Exit status: 0 if the answer has records; 1 if it has none, be it that the name does not exist, or that a server
/// refuses or fails; 2 if it was asked wrongly; 9 if no server has answered (as dig).
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A name, a type (A if there is none), @SERVER or @SERVER:PORT (else those of /etc/resolv.conf), in any order
    #[arg(value_name = "NAME|TYPE|@SERVER", required_unless_present = "reverse")]
    words: Vec<String>,
    /// Ask for the name of an address
    #[arg(short = 'x', long, value_name = "ADDRESS")]
    reverse: Option<IpAddr>,
    /// Ask over TCP only
    #[arg(long, conflicts_with = "tls")]
    tcp: bool,
    /// Ask over TLS a server that proves to be NAME
    #[arg(long, value_name = "NAME")]
    tls: Option<String>,
    /// Ask for signatures, too
    #[arg(long)]
    dnssec: bool,
    /// Ask for what the server knows itself
    #[arg(long)]
    no_recurse: bool,
    /// Give up after so many seconds without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    timeout: u64,
    /// Ask each server so many times
    #[arg(long, value_name = "N", default_value_t = 3)]
    tries: u32,
    /// Show the data of the answers only
    #[arg(long, conflicts_with = "json")]
    short: bool,
    /// Show everything as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What the words say.
struct Words {
    question: Question,
    server: Option<String>,
}

/// Where it is known whom to ask.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The ports of DNS, and of DNS over TLS.
const PORT: u16 = 53;
const TLS_PORT: u16 = 853;

/// No server has answered.
const STATUS_SILENT: u8 = 9;
/// The answer has no records.
const STATUS_NOTHING: u8 = 1;

/// Asks, shows, and gives the exit status.
pub(crate) fn run(driver: Option<&str>, options: &Options) -> Result<ExitCode, Failure> {
    let words = read_words(options)?;
    let main_loop = net::new_loop(driver)?;
    net::stop_on_signals(main_loop.reactor())?;
    let reactor = main_loop.reactor().clone();
    let servers = main_loop.run_until(reactor.spawn({
        let (reactor, via) = (reactor.clone(), via(options));
        let server = words.server.clone();
        async move { servers(&reactor, server.as_deref(), &via).await }
    }))?;
    let dial = Dial::new(ropewalk::endpoints(&reactor));
    let exchanger = Exchanger::new(&reactor, dial, ClientLimits::default());
    let asking = ask(exchanger, servers, words.question, Manner::of(options));
    match main_loop.run_until(reactor.spawn(asking)) {
        Ok(exchanged) => show(&exchanged, options),
        Err(failure) if failure.is(FailureKind::Stopped) => Err(failure),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "ropewalk: {failure}"); // Nobody may be there to read it.
            Ok(ExitCode::from(STATUS_SILENT))
        }
    }
}

fn read_words(options: &Options) -> Result<Words, Failure> {
    let wrong = |why: String| Failure::new(FailureKind::Local, why);
    let (mut name, mut rtype, mut server) = (options.reverse.map(reverse_name), None, None);
    for word in &options.words {
        if let Some(word) = word.strip_prefix('@') {
            server = Some(word.to_owned());
        } else if name.is_some() && rtype.is_none() {
            rtype = Some(word.parse().map_err(|_| wrong(format!("{word:?} is not a type")))?);
        } else if let (None, None, Ok(only)) = (&name, rtype, word.parse::<Rtype>()) {
            rtype = Some(only); // A type before the name; a name like that has a dot at its end.
        } else if name.is_none() {
            let parsed = word.parse();
            name = Some(parsed.map_err(|error| wrong(format!("{word:?} is no name: {error}")))?);
        } else {
            return Err(wrong(format!("{word:?} is one word too many")));
        }
    }
    let name = name.ok_or_else(|| wrong("the name is missing".to_owned()))?;
    let usual = if options.reverse.is_some() { Rtype::PTR } else { Rtype::A };
    let question = Question::new(name, rtype.unwrap_or(usual), Class::IN);
    Ok(Words { question, server })
}

fn via(options: &Options) -> Via {
    match (&options.tls, options.tcp) {
        (Some(name), _) => Via::Tls { name: Some(name.clone()) },
        (None, true) => Via::Tcp,
        (None, false) => Via::Udp,
    }
}

/// The server that was named, or those of the machine.
async fn servers(
    reactor: &Reactor,
    server: Option<&str>,
    via: &Via,
) -> Result<Vec<Rc<NameServer>>, Failure> {
    let port = if matches!(via, Via::Tls { .. }) { TLS_PORT } else { PORT };
    let addresses = match server {
        Some(text) => address_of(reactor, text, port).await?,
        None => {
            let conf = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default();
            ResolvConf::parse(&conf)
                .servers
                .into_iter()
                .map(|server| server.ip())
                .map(|ip| SocketAddr::new(ip, port))
                .collect()
        }
    };
    Ok(addresses.into_iter().map(|address| NameServer::new(address, via.clone())).collect())
}

/// `192.0.2.1`, `2001:db8::1`, `ns.example`, each perhaps with a port.
pub(crate) async fn address_of(
    reactor: &Reactor,
    text: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, given)) => {
            let wrong = |_| Failure::new(FailureKind::Local, format!("{text:?} has no port"));
            (host, given.parse().map_err(wrong)?)
        }
        None => (text, port),
    };
    let found = SystemNames::new(reactor).resolve(reactor, host).await?;
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).take(1).collect())
}

/// How it is asked.
struct Manner {
    query: QueryOptions,
    timeout: Duration,
    tries: u32,
}

impl Manner {
    fn of(options: &Options) -> Self {
        let query = QueryOptions {
            recursion_desired: !options.no_recurse,
            dnssec_ok: options.dnssec,
            authentic_data: true,
            ..QueryOptions::default()
        };
        let timeout = Duration::from_secs(options.timeout.max(1));
        Self { query, timeout, tries: options.tries.max(1) }
    }
}

/// The first answer that says something, or else the last.
async fn ask(
    exchanger: Exchanger,
    servers: Vec<Rc<NameServer>>,
    question: Question,
    manner: Manner,
) -> Result<Exchanged, Failure> {
    let Manner { query, timeout, tries } = manner;
    let (mut outcome, reactor) = (None, exchanger.reactor().clone());
    for _ in 0..tries {
        for server in &servers {
            let begun: Time = reactor.now();
            let result = exchanger.ask(server, &question, &query, timeout).await;
            let result = result.map(|response| Exchanged {
                took: reactor.now().since(begun),
                via: server.via().clone(),
                response,
            });
            let is_told = result.as_ref().is_ok_and(|told| says_something(&told.response));
            outcome = Some(result);
            if is_told {
                break;
            }
        }
        if matches!(outcome, Some(Ok(_))) {
            break; // Servers that have failed will again; those that are silent may have missed it.
        }
    }
    let none = || Failure::new(FailureKind::Local, "there is no name server to ask");
    outcome.ok_or_else(none)?
}

fn says_something(response: &Response) -> bool {
    [OptRcode::NOERROR, OptRcode::NXDOMAIN].contains(&response.rcode())
}

fn show(exchanged: &Exchanged, options: &Options) -> Result<ExitCode, Failure> {
    let text = match (options.short, options.json) {
        (true, _) => exchanged.short(),
        (_, true) => exchanged.json(),
        _ => exchanged.like_dig(),
    };
    io::stdout().write_all(text.as_bytes())?;
    let response = &exchanged.response;
    let (rcode, question) = (response.rcode(), response.question().clone());
    if let (true, Some(error)) =
        (options.short, LookupError::from_rcode(rcode, question, response.server()))
    {
        let _ = writeln!(io::stderr(), "ropewalk: {error}"); // Nobody may be there to read it.
    }
    let has_records = rcode == OptRcode::NOERROR && response.answers().next().is_some();
    Ok(if has_records { ExitCode::SUCCESS } else { ExitCode::from(STATUS_NOTHING) })
}
