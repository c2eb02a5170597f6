//! Real peers: OpenSSL's command and Python's `ssl`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ropewalk_core::{Cx, ListeningPort, Loop, Protocol, Wait};
use ropewalk_net::{TcpServerEndpoint, ThreadPool, ThreadPoolLimits, endpoints, new_loop};
use ropewalk_testing::{Log, Recorder};
use ropewalk_tls::{
    Identity, ServerOptions, TlsError, TlsServer, TlsServerEndpoint, TlsVersion, negotiated,
};

use crate::rig::{AUTHORITY, Directory, Outcome, logged, server_options};

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

/// Runs turns until it is true.
#[track_caller]
fn until(main_loop: &Loop, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it does not come true");
        let soon = main_loop.reactor().now() + Duration::from_millis(5);
        main_loop.turn(Wait::Until(soon)).unwrap().unwrap();
    }
}

/// A program that tests talk to; `None`, and a line for the tally, if it is not there.
fn program(test: &str, name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        return Some(Command::new(name));
    }
    crate::rig::skip(test, &format!("{name} is not installed"));
    None
}

/// Has a thread feed a program and wait for it, while the reactor serves it.
fn run(main_loop: &Loop, mut command: Command, input: &[u8]) -> Output {
    let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_vec();
    let done = pool.defer_to_thread(move || {
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            // One that has heard enough may be gone.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output()?;
        writer.join().unwrap();
        Ok(output)
    });
    main_loop.run_until(done.add_timeout(main_loop.reactor(), PATIENCE)).unwrap()
}

/// Everything a program said.
fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn listen<F: ropewalk_core::Factory>(
    main_loop: &Loop,
    options: ServerOptions,
    factory: F,
) -> (ListeningPort, String) {
    let tls = TlsServer::new(options).unwrap();
    let below = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let endpoint = TlsServerEndpoint::new(below, &tls);
    let port = main_loop.run_until(main_loop.reactor().listen(&endpoint, factory)).unwrap();
    let address = port.host().to_string();
    (port, address)
}

/// A client of OpenSSL's that trusts the tests' authority, and whose `-quiet` output is what the server said.
fn s_client(test: &str, files: &Directory, address: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = program(test, "openssl")?;
    let authority = files.write("ca.pem", &AUTHORITY.pem());
    command.args(["s_client", "-connect", address, "-servername", "localhost"]);
    command.arg("-verify_return_error").arg("-CAfile").arg(authority).args(arguments);
    Some(command)
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Lines that begin with Q or R are commands for s_client.
        b'a' + u8::try_from(state % 16).unwrap()
    };
    (0..len).map(step).collect()
}

/// Echoes until so many bytes have come, then loses the connection.
struct EchoThenLose(usize);

impl Protocol for EchoThenLose {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
        self.0 = self.0.saturating_sub(data.len());
        if self.0 == 0 {
            cx.transport().lose_connection();
        }
    }
}

#[test]
fn openssl_gets_ten_million_bytes_back_in_both_versions() {
    let test = "peers::openssl_gets_ten_million_bytes_back_in_both_versions";
    let (main_loop, files) = (new_loop(None).unwrap(), Directory::new());
    let sent = noise(10_000_000);
    let (_port, address) = listen(&main_loop, server_options(), || EchoThenLose(10_000_000));
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments = ["-quiet", "-nocommands", version];
        let Some(command) = s_client(test, &files, &address, &arguments) else { return };
        let output = run(&main_loop, command, &sent);
        assert!(output.stdout == sent, "{version}: {} bytes", output.stdout.len());
    }
}

#[test]
fn openssl_resumes_its_sessions() {
    let test = "peers::openssl_resumes_its_sessions";
    let (main_loop, files) = (new_loop(None).unwrap(), Directory::new());
    let (_port, address) = listen(&main_loop, server_options(), || EchoThenLose(1));
    let again = ["-reconnect", "-tls1_2"];
    let Some(command) = s_client(test, &files, &address, &again) else { return };
    let text = said(&run(&main_loop, command, b""));
    assert_eq!(text.matches("\nReused, TLSv1.2").count(), 5, "{text}");
    let session = files.join("session");
    let session = session.to_str().unwrap();
    for (argument, expected) in [("-sess_out", "\nNew, TLSv1.3"), ("-sess_in", "\nReused, TLSv1.3")]
    {
        let arguments = [argument, session, "-ign_eof", "-tls1_3"];
        let Some(command) = s_client(test, &files, &address, &arguments) else { return };
        let text = said(&run(&main_loop, command, b"x\n"));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn openssl_negotiates_and_shows_its_certificate() {
    let test = "peers::openssl_negotiates_and_shows_its_certificate";
    let (main_loop, files) = (new_loop(None).unwrap(), Directory::new());
    let Identity::Pem { certificate, key } = AUTHORITY.client("somebody.example") else {
        unreachable!()
    };
    let certificate = files.write("client.pem", &certificate);
    let key = files.write("client.key", &key);
    let options = ServerOptions {
        client_certificates: ropewalk_tls::ClientCertificates::Required(AUTHORITY.trust()),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        ..server_options()
    };
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let slot = seen.clone();
    struct Looks(std::rc::Rc<std::cell::RefCell<Vec<String>>>);
    impl Protocol for Looks {
        fn connection_made(&mut self, cx: &mut Cx<'_>) {
            let seen = negotiated(cx.transport()).expect("it is done");
            let name = seen.peer_certificate.as_ref().unwrap().dns_names().join(",");
            let alpn = String::from_utf8(seen.alpn.clone().unwrap_or_default()).unwrap();
            self.0.borrow_mut().push(format!("{} {alpn} {name}", seen.version));
            cx.transport().lose_connection();
        }
    }
    let (_port, address) = listen(&main_loop, options, move || Looks(slot.clone()));
    for version in ["-tls1_2", "-tls1_3"] {
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let arguments =
            [version, "-alpn", "http/1.1", "-cert", certificate, "-key", key, "-ign_eof"];
        let Some(command) = s_client(test, &files, &address, &arguments) else { return };
        let text = said(&run(&main_loop, command, b""));
        assert!(text.contains("ALPN protocol: http/1.1"), "{text}");
        assert!(text.contains("Verification: OK"), "{text}");
    }
    let expected = ["TLS 1.2 http/1.1 somebody.example", "TLS 1.3 http/1.1 somebody.example"];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn openssl_hears_why_it_is_refused() {
    let test = "peers::openssl_hears_why_it_is_refused";
    let (main_loop, files) = (new_loop(None).unwrap(), Directory::new());
    let options = ServerOptions {
        client_certificates: ropewalk_tls::ClientCertificates::Required(AUTHORITY.trust()),
        alpn: vec![b"h2".to_vec()],
        ..server_options()
    };
    let (_port, address) = listen(&main_loop, options, || Echo);
    let old = "the peer speaks no version of TLS that is spoken here (1.2 and 1.3)";
    let no_protocol = "the two sides have no application protocol (ALPN) in common";
    let no_certificate = "a client certificate is required, and none was shown";
    for (arguments, heard, here) in [
        (&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"][..], "alert handshake failure", old),
        (&["-alpn", "imap"], "alert no application protocol", no_protocol),
        (&["-tls1_3", "-ign_eof"], "alert certificate required", no_certificate),
        (&["-tls1_2"], "alert certificate required", no_certificate),
    ] {
        let Some(command) = s_client(test, &files, &address, arguments) else { return };
        let log = logged(|| {
            let text = said(&run(&main_loop, command, b""));
            assert!(text.to_lowercase().contains(heard), "{arguments:?}: {text}");
        });
        assert!(log.len() == 1 && log[0].ends_with(here), "{arguments:?}: {log:?}");
    }
}

/// A server of OpenSSL's, killed when it is dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of OpenSSL's, and its port.
fn s_server(test: &str, files: &Directory, arguments: &[&str]) -> Option<(Served, String)> {
    let mut command = program(test, "openssl")?;
    let Identity::Pem { certificate, key } = AUTHORITY.server(&["localhost"]) else {
        unreachable!()
    };
    command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "9"]);
    command.arg("-cert").arg(files.write("server.pem", &certificate));
    command.arg("-key").arg(files.write("server.key", &key)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ACCEPT ") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it listens");
    }
    let port = line.trim().rsplit_once(':').unwrap().1.to_owned();
    std::thread::spawn(move || drop(lines.read_to_end(&mut Vec::new())));
    Some((Served(child), port))
}

#[test]
fn a_client_talks_to_openssl() {
    let test = "peers::a_client_talks_to_openssl";
    let (main_loop, files) = (new_loop(None).unwrap(), Directory::new());
    let authority = files.write("ca.pem", &AUTHORITY.pem());
    let known = ropewalk_tls::endpoints(main_loop.reactor());
    for (argument, version) in [("-tls1_2", TlsVersion::Tls12), ("-tls1_3", TlsVersion::Tls13)] {
        let Some((_server, port)) = s_server(test, &files, &[argument, "-rev"]) else { return };
        let text = format!("tls:localhost:{port}:cafile={}", authority.display());
        let client = known.client(&text).unwrap();
        let mut resumed = Vec::new();
        for _ in 0..2 {
            let log = Log::default();
            let for_client = log.clone();
            let dialled = main_loop.reactor().connect(&client, move || Recorder::new(&for_client));
            let up = Outcome::of(dialled.add_callback(|_| Ok(())));
            until(&main_loop, || up.get().is_some());
            up.get().unwrap().unwrap();
            let transport = log.transport();
            transport.write(b"hello\n");
            until(&main_loop, || log.data() == b"olleh\n");
            let seen = negotiated(&transport).unwrap();
            assert_eq!(seen.version, version);
            resumed.push(seen.resumed);
            transport.lose_connection();
            until(&main_loop, || log.lost().is_some());
            assert!(log.lost().unwrap().is(ropewalk_core::FailureKind::ConnectionDone));
        }
        assert_eq!(resumed, [false, true], "{version}");
    }
}

#[test]
fn python_that_closes_without_a_goodbye_is_a_truncation() {
    let test = "peers::python_that_closes_without_a_goodbye_is_a_truncation";
    let (main_loop, log) = (new_loop(None).unwrap(), Log::default());
    let for_server = log.clone();
    let (_port, address) = listen(&main_loop, server_options(), move || {
        Recorder::new(&for_server).reacting(|cx, event| {
            if let ropewalk_testing::Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    });
    let script = "import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
host, port = sys.argv[1].split(':')
plain = socket.create_connection((host, int(port)))
secret = context.wrap_socket(plain, server_hostname='localhost')
secret.sendall(b'hello')
print(secret.recv(5).decode())
if sys.argv[2] == 'polite': secret.unwrap()
secret.close()";
    for (how, truncated) in [("polite", false), ("rude", true)] {
        log.clear();
        let Some(mut command) = program(test, "python3") else { return };
        command.args(["-c", script, &address, how]);
        let output = run(&main_loop, command, b"");
        assert_eq!(said(&output).trim(), "hello");
        until(&main_loop, || log.lost().is_some());
        let failure = log.lost().unwrap();
        let is = matches!(failure.check(), Some(TlsError::Truncated));
        assert_eq!(is, truncated, "{how}: {failure}");
    }
}

#[test]
fn the_keys_are_logged_where_sslkeylogfile_says() {
    let test = "peers::the_keys_are_logged_where_sslkeylogfile_says";
    if std::env::var("ROPEWALK_CHILD").is_ok_and(|child| child == test) {
        let stage = crate::rig::Stage::new();
        stage.connect(&crate::rig::server(), &crate::rig::client()).up();
        return;
    }
    let files = Directory::new();
    let keys = files.join("keys");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--test-threads=1"]);
    child.env("ROPEWALK_CHILD", test).env("SSLKEYLOGFILE", &keys);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = std::fs::read_to_string(&keys).unwrap();
    let begun = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!(begun("CLIENT_TRAFFIC_SECRET_0 "), 2, "one by each side: {text}");
    assert_eq!(begun("SERVER_HANDSHAKE_TRAFFIC_SECRET "), 2);
}

#[test]
fn the_platform_trusts_what_ssl_cert_file_says() {
    let test = "peers::the_platform_trusts_what_ssl_cert_file_says";
    if std::env::var("ROPEWALK_CHILD").is_ok_and(|child| child == test) {
        let main_loop = new_loop(None).unwrap();
        assert!(endpoints(main_loop.reactor()).client("tls:a:1").is_err(), "net knows no TLS");
        let client = ropewalk_tls::TlsClient::new(&ropewalk_tls::ClientOptions::default()).unwrap();
        let identities = vec![Identity::file(std::env::var_os("ROPEWALK_SERVER").unwrap())];
        let server = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() });
        crate::rig::Stage::new().connect(&server.unwrap(), &client).up();
        return;
    }
    let files = Directory::new();
    let Identity::Pem { certificate, key } = AUTHORITY.server(&["localhost"]) else {
        unreachable!()
    };
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--test-threads=1"]).env("ROPEWALK_CHILD", test);
    child.env("SSL_CERT_FILE", files.write("ca.pem", &AUTHORITY.pem()));
    child.env("ROPEWALK_SERVER", files.write("server.pem", &[certificate, key].concat()));
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}
