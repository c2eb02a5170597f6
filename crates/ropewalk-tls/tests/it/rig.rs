//! What the tests are made with: an authority that issues certificates, servers and clients that know it, and a
//! stage for both in memory.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use ropewalk_core::{ClientEndpoint, Deferred, Factory, Failure, Lineage, Loop, Reactor, Wait};
use ropewalk_testing::{
    Log, MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Recorder,
};
use ropewalk_tls::{ClientOptions, Identity, Roots, ServerOptions, TlsClient, TlsServer, Trust};
use ropewalk_tls::{TlsClientEndpoint, TlsServerEndpoint};

/// An authority of its own for each run of the tests.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("there is randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can sign itself"))
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// Trust in it and in nobody else.
    pub(crate) fn trust(&self) -> Trust {
        Trust::in_roots(Roots::Pem(self.pem()))
    }

    /// A list of revoked certificates.
    pub(crate) fn revocations(&self, list: rcgen::CertificateRevocationListParams) -> Vec<u8> {
        list.signed_by(&self.0).unwrap().pem().unwrap().into_bytes()
    }

    /// A server's certificate for these names.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.issue(names, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    /// A client's certificate.
    pub(crate) fn client(&self, name: &str) -> Identity {
        self.issue(&[name], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    /// A certificate, changed by `change` before it is signed.
    pub(crate) fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("they are names");
        params.distinguished_name.push(DnType::CommonName, "somebody");
        change(&mut params);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.0).expect("it can sign");
        Identity::pem(certificate.pem(), key.serialize_pem())
    }
}

/// The authority that most tests trust.
pub(crate) static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("authority of the tests"));

/// A server called `localhost`, of the usual authority.
pub(crate) fn server_options() -> ServerOptions {
    ServerOptions {
        identities: vec![AUTHORITY.server(&["localhost", "127.0.0.1"])],
        ..ServerOptions::default()
    }
}

/// A client that trusts the usual authority.
pub(crate) fn client_options() -> ClientOptions {
    ClientOptions { trust: AUTHORITY.trust(), ..ClientOptions::default() }
}

pub(crate) fn server() -> TlsServer {
    TlsServer::new(server_options()).expect("its options are good")
}

pub(crate) fn client() -> TlsClient {
    TlsClient::new(&client_options()).expect("its options are good")
}

/// A loop over a network in memory.
pub(crate) struct Stage {
    pub(crate) event_loop: Loop,
}

/// A connection's two ends, as far as they came, and how connecting went.
pub(crate) struct Ends {
    pub(crate) server: Log,
    pub(crate) client: Log,
    pub(crate) outcome: Result<(), Failure>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::over(Network::default())
    }

    pub(crate) fn over(network: Network) -> Self {
        Self { event_loop: Loop::new(MemoryDriver::new(network)) }
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    /// Lets so much virtual time pass.
    pub(crate) fn pass(&self, time: Duration) {
        let end = self.reactor().now() + time;
        while self.reactor().now() < end {
            self.event_loop.turn(Wait::Until(end)).unwrap().unwrap();
        }
    }

    /// Lets everything happen that follows from what was done.
    pub(crate) fn settle(&self) {
        self.pass(Duration::from_millis(500));
    }

    /// A TLS server with recorders on it, all of which write in one log.
    pub(crate) fn listen(&self, place: &str, tls: &TlsServer) -> Log {
        let log = Log::default();
        let for_factory = log.clone();
        self.listen_with(place, tls, move || Recorder::new(&for_factory));
        log
    }

    pub(crate) fn listen_with(&self, place: &str, tls: &TlsServer, factory: impl Factory) {
        let endpoint = TlsServerEndpoint::new(MemoryServerEndpoint::new(place), tls);
        let listening = self.reactor().listen(&endpoint, factory);
        self.event_loop.run_until(listening).unwrap();
    }

    /// Connects in the clear.
    pub(crate) fn dial_plain(&self, place: &str) -> Log {
        let log = Log::default();
        let for_factory = log.clone();
        let endpoint = MemoryClientEndpoint::new(place);
        let dialled = self.reactor().connect(&endpoint, move || Recorder::new(&for_factory));
        self.event_loop.run_until(dialled).unwrap();
        log
    }

    /// Connects over TLS.
    pub(crate) fn dial(&self, place: &str, tls: &TlsClient, name: &str) -> (Log, Outcome) {
        let log = Log::default();
        let for_factory = log.clone();
        let factory = Box::new(move || Recorder::new(&for_factory));
        let lineage = Lineage::new(factory, self.reactor().limits().connection.clone());
        let endpoint = TlsClientEndpoint::new(MemoryClientEndpoint::new(place), tls, name);
        let dialled = endpoint.connect(self.reactor(), lineage);
        (log, Outcome::of(dialled.add_callback(|_| Ok(()))))
    }

    /// Has `client` connect to `server` under the name `localhost`.
    pub(crate) fn connect(&self, server: &TlsServer, client: &TlsClient) -> Ends {
        self.connect_as(server, client, "localhost")
    }

    pub(crate) fn connect_as(&self, server: &TlsServer, client: &TlsClient, name: &str) -> Ends {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let place = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
        let at_server = self.listen(&place, server);
        let (at_client, outcome) = self.dial(&place, client, name);
        self.settle();
        let outcome = outcome.get().expect("connecting has an outcome in half a second");
        Ends { server: at_server, client: at_client, outcome }
    }
}

impl Ends {
    /// That of a connection that has come up.
    pub(crate) fn up(self) -> Self {
        self.outcome.as_ref().expect("it comes up");
        self
    }

    /// Why it did not come up, in the client's words.
    pub(crate) fn why(&self) -> String {
        self.outcome.as_ref().expect_err("it does not come up").to_string()
    }
}

/// What a Deferred has fired with, once it has.
#[derive(Clone)]
pub(crate) struct Outcome<T: 'static = ()>(Rc<RefCell<Option<Result<T, Failure>>>>);

impl<T: Clone> Outcome<T> {
    pub(crate) fn of(deferred: Deferred<T>) -> Self {
        let outcome = Self(Rc::default());
        let slot = outcome.0.clone();
        drop(deferred.add_both(move |result| drop(slot.replace(Some(result)))));
        outcome
    }

    pub(crate) fn get(&self) -> Option<Result<T, Failure>> {
        self.0.borrow().clone()
    }
}

thread_local! {
    /// What this test has logged: each has a thread of its own.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes where [`logged`] looks.
struct ToThisThread;

impl Write for ToThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `f`, and gives the lines that it logged.
pub(crate) fn logged<R>(f: impl FnOnce() -> R) -> Vec<String> {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let lines = tracing_subscriber::fmt().with_ansi(false).without_time();
        lines.with_writer(|| ToThisThread).init();
    });
    LOGGED.take();
    drop(f());
    let text = String::from_utf8(LOGGED.take()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// A line for the tally.
pub(crate) fn skip(test: &str, why: &str) {
    let line = format!("{test}: {why}\n");
    eprint!("{line}");
    if let Some(skips) = std::env::var_os("ROPEWALK_SKIPS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(skips).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// An empty directory, removed when it is dropped.
pub(crate) struct Directory(std::path::PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ropewalk-tls-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }

    /// Makes a file, or replaces it.
    pub(crate) fn write(&self, name: &str, text: &[u8]) -> std::path::PathBuf {
        let path = self.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
