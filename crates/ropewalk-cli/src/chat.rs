//! `ropewalk chat`: rooms for browsers, for clients of IRC, and for plain lines, `nc` and `telnet`.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use ropewalk::framing::{ConnectionCap, behind_proxy};
use ropewalk::http::HttpFactory;
use ropewalk::irc::network::{Network, Server};
use ropewalk::irc::server::{HistoryStore, IrcFactory, IrcSettings};
use ropewalk::nats::{NatsClient, NatsOptions, NatsUrl};
use ropewalk::net::{ThreadPool, ThreadPoolLimits};
use ropewalk::web::Site;
use ropewalk::{
    Address, Deferred, Endpoints, Factory, Failure, FailureKind, Reactor, ServerEndpoint,
    ShutdownPart,
};
use ropewalk_chat::{
    Backplane, BrowserChat, ChannelPast, Chat, ChatFactory, DeferToThread, History, HistoryFile,
    HistoryLimits,
};

use crate::irc_file::IrcFile;
use crate::program::{Crew, Opened, Place, Voice, endpoint_error, word_of};

/// What `ropewalk chat` is told on the command line.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen for lines, as often as wanted: tcp:8023:interface=127.0.0.1, unix:/run/chat.sock
    #[arg(long, value_name = "ENDPOINT")]
    listen: Vec<String>,
    /// Where to listen for browsers, as often as wanted: tcp:8080, tls:8443:cert=cert.pem:key=key.pem.
    /// Without any of all, tcp:8080 is for browsers, tcp:6667 for IRC and tcp:8023 for lines, of this machine only
    #[arg(long, value_name = "ENDPOINT")]
    web: Vec<String>,
    /// Where to listen for clients of IRC, as often as wanted: tcp:6667, tls:6697:cert=cert.pem:key=key.pem
    #[arg(long, value_name = "ENDPOINT")]
    irc: Vec<String>,
    /// What the server of IRC says of itself, and whom it trusts: names, message of the day, password, operators,
    /// accounts, what addresses are hidden with, in TOML (see docs/irc.md)
    #[arg(long, value_name = "FILE")]
    irc_settings: Option<PathBuf>,
    /// Keep what is said in this file, and show it to who comes later
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Be one chat with all others that use this NATS server: nats://host:4222, nats://user:password@host
    #[arg(long, value_name = "URL")]
    backplane: Option<String>,
    #[command(flatten)]
    pub(crate) crew: Crew,
}

impl Options {
    /// Where to listen for lines, for browsers, and for clients of IRC.
    fn places(&self) -> [Vec<String>; 3] {
        if ![&self.listen, &self.web, &self.irc].into_iter().all(Vec::is_empty) {
            return [self.listen.clone(), self.web.clone(), self.irc.clone()];
        }
        [LINES, BROWSERS, IRC].map(|place| vec![place.to_owned()])
    }
}

const LINES: &str = "tcp:8023:interface=127.0.0.1";
const BROWSERS: &str = "tcp:8080:interface=127.0.0.1";
const IRC: &str = "tcp:6667:interface=127.0.0.1";

/// Where everybody is first.
const LOBBY: &str = "#lobby";

/// How long answers that are under way may take when the program is to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// So many connections to one port may be there without being users: they are choosing a name, or are on
/// their way out.
const NAMELESS_MAX: usize = 1_000;

/// Reads and writes of the history that wait for its thread: each is of a person who waits, too.
const HISTORY_JOBS_MAX: usize = 10_000;

/// How long the goodbye to other processes may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// The first words of the subjects by which the processes of one chat find each other.
const SUBJECT: &str = "ropewalk.chat";

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Common {
    network: Network,
    history: Option<HistoryFile>,
    irc: IrcFile,
}

/// Opens what all workers share.
pub(crate) fn prepare(options: &Options) -> Result<Common, Failure> {
    let open = |path| HistoryFile::open(path, HistoryLimits::default());
    let history = options.history.as_ref().map(open).transpose()?;
    let irc = options.irc_settings.as_deref().map(IrcFile::read).transpose()?.unwrap_or_default();
    Ok(Common { network: irc.network(), history, irc })
}

/// Opens every endpoint, with the same rooms behind all of them: this thread's part of the network.
pub(crate) fn start(
    place: &Place,
    reactor: &Reactor,
    options: &Options,
    common: &Common,
) -> Result<Vec<Deferred<Opened>>, Failure> {
    let server = Server::on(&common.network);
    let relay = server.relay();
    let relaying = reactor.spawn(async {
        relay.await;
        Ok(())
    });
    drop(relaying.add_errback(|_| ())); // It ends with the network, or with the reactor.
    let chat = Chat::open(&server, LOBBY)
        .map_err(|refusal| Failure::from_error(FailureKind::Local, refusal))?;
    if let Some(file) = common.history.as_ref().filter(|_| place.is_first()) {
        chat.recall(file)?;
    }
    let history = common.history.clone().map(|file| open_history(place, reactor, &chat, file));
    let endpoints = ropewalk::endpoints(reactor);
    let backplane = match options.backplane.as_ref().filter(|_| place.is_first()) {
        Some(url) => Some(join_others(reactor, &endpoints, &chat, url)?),
        None => None,
    };
    let [lines, web, irc] = options.places();
    let voice = Voice::beside(&lines, place);
    let mut opening = Vec::new();
    for text in &lines {
        let endpoint = endpoints.server(text).map_err(endpoint_error)?;
        opening.push(listen(reactor, &*endpoint, &chat, word_of(text).to_owned(), voice));
    }
    for text in &irc {
        let endpoint = endpoints.server(text).map_err(endpoint_error)?;
        let past = history.as_ref().map(|history| ChannelPast::new(server.network(), history));
        let history = past.map(|past| Rc::new(past) as Rc<dyn HistoryStore>);
        let settings = IrcSettings { history, ..common.irc.settings() };
        let factory = IrcFactory::new(server.clone(), settings);
        let opened = if common.irc.behind_proxy {
            listen_for_irc(reactor, &*endpoint, behind_proxy(factory), &server, text, voice)
        } else {
            listen_for_irc(reactor, &*endpoint, factory, &server, text, voice)
        };
        opening.push(opened);
    }
    // A browser comes by many connections, and all of them have to find the one person that it is.
    if place.is_first() && !web.is_empty() {
        let page = BrowserChat::new(reactor, &chat).into_resource();
        let factory = Site::new(page).into_factory();
        for text in web {
            let endpoint = endpoints.server(&text).map_err(endpoint_error)?;
            opening.push(listen_for_browsers(reactor, &*endpoint, factory.clone(), &text, voice));
        }
        let stopping = reactor.clone();
        reactor.add_system_event_trigger(ShutdownPart::Before, move || {
            factory.drain(&stopping, DRAIN_TIMEOUT)
        });
    }
    // People hear a goodbye, and what they said is written; then their connections are lost with all others.
    reactor.add_system_event_trigger(ShutdownPart::Before, move || {
        server.close();
        history.map_or_else(|| Deferred::succeed(()), |history| history.flush())
    });
    if let Some(backplane) = backplane {
        let clock = reactor.clone();
        reactor.add_system_event_trigger(ShutdownPart::Before, move || {
            // The others notice by themselves if it cannot be said.
            backplane.leave().add_timeout(&clock, LEAVE_TIMEOUT).add_errback(|_| ())
        });
    }
    Ok(opening)
}

/// Joins the chat with the others on a NATS server, which may be away now.
fn join_others(
    reactor: &Reactor,
    endpoints: &Endpoints,
    chat: &Chat,
    url: &str,
) -> Result<Backplane, Failure> {
    let url: NatsUrl = url.parse()?;
    let endpoint = endpoints.client(&url.endpoint()).map_err(endpoint_error)?;
    let name = "ropewalk chat".to_owned();
    let mut options = NatsOptions { name, no_echo: true, ..NatsOptions::default() };
    url.identify(&mut options);
    Backplane::join(reactor, chat, NatsClient::new(reactor, endpoint, options), SUBJECT)
}

/// This thread's way to the file. What is said is heard by all, so one of them keeps it.
fn open_history(place: &Place, reactor: &Reactor, chat: &Chat, file: HistoryFile) -> History {
    let limits = ThreadPoolLimits { threads_max: 1, jobs_max: HISTORY_JOBS_MAX };
    let pool = ThreadPool::new(reactor, limits);
    let threads = DeferToThread::new(move |job| {
        pool.defer_to_thread(move || {
            job();
            Ok(())
        })
    });
    let history = History::new(reactor, file, threads);
    chat.set_history(&history);
    if place.is_first() {
        chat.record(&history);
    }
    history
}

fn listen(
    reactor: &Reactor,
    endpoint: &dyn ServerEndpoint,
    chat: &Chat,
    word: String,
    voice: Voice,
) -> Deferred<Opened> {
    let connections_max = chat.server().limits().users_max + NAMELESS_MAX;
    let factory = ConnectionCap::new(ChatFactory::new(chat), connections_max, connections_max);
    let port = reactor.listen_with_limits(endpoint, factory, ChatFactory::connection_limits());
    port.add_callback(move |port| {
        voice.announce(&word, &port.host());
        if let Some(command) = how_to_join(&port.host()) {
            voice.say(format_args!("join with: {command}"));
        }
        Ok(Some(port))
    })
}

fn listen_for_irc(
    reactor: &Reactor,
    endpoint: &dyn ServerEndpoint,
    factory: impl Factory,
    server: &Server,
    text: &str,
    voice: Voice,
) -> Deferred<Opened> {
    let connections_max = server.limits().users_max + NAMELESS_MAX;
    let factory = ConnectionCap::new(factory, connections_max, connections_max);
    let kind = if word_of(text) == "tls" { "irc by tls" } else { "irc" };
    let port = reactor.listen_with_limits(endpoint, factory, IrcFactory::connection_limits());
    port.add_callback(move |port| {
        voice.announce(kind, &port.host());
        Ok(Some(port))
    })
}

fn listen_for_browsers(
    reactor: &Reactor,
    endpoint: &dyn ServerEndpoint,
    factory: HttpFactory,
    text: &str,
    voice: Voice,
) -> Deferred<Opened> {
    let scheme = if word_of(text) == "tls" { "https" } else { "http" };
    reactor.listen(endpoint, factory).add_callback(move |port| {
        voice.announce("web", &port.host());
        if let Address::Ip(address) = port.host() {
            let is_everywhere = address.ip().is_unspecified();
            let host =
                if is_everywhere { "localhost".to_owned() } else { address.ip().to_string() };
            voice.say(format_args!("or open: {scheme}://{host}:{}/", address.port()));
        }
        Ok(Some(port))
    })
}

/// A command that gets one into the room from this machine.
fn how_to_join(host: &Address) -> Option<String> {
    match host {
        Address::Ip(address) if address.ip().is_unspecified() => {
            Some(format!("nc localhost {}", address.port()))
        }
        Address::Ip(address) => Some(format!("nc {} {}", address.ip(), address.port())),
        Address::Unix(path) => Some(format!("nc -U {}", path.display())),
        Address::UnixAbstract(name) => {
            Some(format!("socat - ABSTRACT-CONNECT:{}", String::from_utf8_lossy(name)))
        }
        _ => None,
    }
}
