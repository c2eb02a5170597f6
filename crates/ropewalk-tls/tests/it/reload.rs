//! Certificate files that change while the server runs.

use std::path::PathBuf;
use std::time::Duration;

use ropewalk_tls::{ClientOptions, Identity, ServerOptions, TlsClient, TlsServer, negotiated};

use crate::rig::{AUTHORITY, Authority, Directory, Stage, client, logged};

fn write(directory: &Directory, identity: &Identity) -> (PathBuf, PathBuf) {
    let Identity::Pem { certificate, key } = identity else {
        panic!("those of the tests are text")
    };
    (directory.write("server.pem", certificate), directory.write("server.key", key))
}

/// Whom the server's certificate is for.
fn shown(stage: &Stage, server: &TlsServer) -> Vec<String> {
    let client = TlsClient::new(&ClientOptions {
        trust: ropewalk_tls::Trust::in_roots(ropewalk_tls::Roots::Anyone),
        ..ClientOptions::default()
    });
    let ends = stage.connect(server, &client.unwrap()).up();
    let certificate = negotiated(&ends.client.transport()).unwrap().peer_certificate.clone();
    certificate.unwrap().dns_names()
}

#[test]
fn new_files_are_used_from_the_next_connection_on_and_old_connections_stay() {
    let (stage, directory) = (Stage::new(), Directory::new());
    let (certificate, key) = write(&directory, &AUTHORITY.server(&["localhost", "old.example"]));
    let identities = vec![Identity::files(certificate, key)];
    let server = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() }).unwrap();
    let old = stage.connect(&server, &client()).up();
    write(&directory, &AUTHORITY.server(&["new.example"]));
    assert_eq!(shown(&stage, &server), ["localhost", "old.example"], "not looked at yet");
    stage.pass(Duration::from_secs(5));
    assert_eq!(shown(&stage, &server), ["new.example"]);
    old.client.transport().write(b"still here");
    stage.settle();
    assert_eq!(old.server.data(), b"still here");
}

#[test]
fn bad_new_files_are_one_line_in_the_log_and_the_old_ones_stay() {
    let (stage, directory) = (Stage::new(), Directory::new());
    let (certificate, key) = write(&directory, &AUTHORITY.server(&["old.example"]));
    let identities = vec![Identity::files(certificate, key.clone())];
    let server = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() }).unwrap();
    assert_eq!(shown(&stage, &server), ["old.example"]);
    // First the certificate only, as a program does that renews both.
    let Identity::Pem { certificate, key: new_key } = AUTHORITY.server(&["new.example"]) else {
        unreachable!()
    };
    directory.write("server.pem", &certificate);
    let log = logged(|| {
        for _ in 0..3 {
            stage.pass(Duration::from_secs(5));
            assert_eq!(shown(&stage, &server), ["old.example"]);
        }
    });
    let said = format!(
        "new certificate files are not used, the old ones stay: {}: it is not the key of that certificate",
        key.display()
    );
    assert!(log.len() == 1 && log[0].ends_with(&said), "{log:?}");
    directory.write("server.key", &new_key);
    stage.pass(Duration::from_secs(5));
    assert_eq!(shown(&stage, &server), ["new.example"]);
    std::fs::remove_file(directory.join("server.key")).unwrap();
    stage.pass(Duration::from_secs(5));
    assert_eq!(shown(&stage, &server), ["new.example"], "a file that is gone changes nothing");
}

#[test]
fn a_directory_is_looked_at_for_names_that_are_new() {
    let (stage, directory) = (Stage::new(), Directory::new());
    let both = |identity: Identity| {
        let Identity::Pem { certificate, key } = identity else { unreachable!() };
        [certificate, key].concat()
    };
    directory.write("a.pem", &both(AUTHORITY.server(&["a.example"])));
    let server = TlsServer::new(ServerOptions {
        identity_directory: Some(directory.join("")),
        ..ServerOptions::default()
    });
    let server = server.unwrap();
    assert!(stage.connect_as(&server, &client(), "b.example").outcome.is_err());
    directory.write("b.pem", &both(AUTHORITY.server(&["b.example"])));
    directory.write("read me.txt", b"not a certificate");
    stage.pass(Duration::from_secs(5));
    stage.connect_as(&server, &client(), "b.example").up();
    stage.connect_as(&server, &client(), "a.example").up();
}

#[test]
fn files_that_are_no_use_are_refused_at_first() {
    let directory = Directory::new();
    let Identity::Pem { certificate, key } = AUTHORITY.server(&["a.example"]) else {
        unreachable!()
    };
    let Identity::Pem { key: other, .. } = Authority::new("b").server(&["b"]) else {
        unreachable!()
    };
    let good = directory.write("good.pem", &certificate);
    let tries: [(&[u8], &str); 3] = [
        (&other, "it is not the key of that certificate"),
        (
            &certificate,
            "there is no private key in it (-----BEGIN PRIVATE KEY-----, not encrypted)",
        ),
        (b"nonsense", "there is no private key in it (-----BEGIN PRIVATE KEY-----, not encrypted)"),
    ];
    for (text, why) in tries {
        let bad = directory.write("bad.key", text);
        let identities = vec![Identity::files(&good, &bad)];
        let refused = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() });
        let said = refused.err().expect("it is of no use").to_string();
        assert_eq!(said, format!("{}: {why}", bad.display()));
    }
    let bad = directory.write("bad.pem", &key);
    let identities = vec![Identity::files(&bad, &bad)];
    let refused = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() });
    let said = refused.err().expect("it is of no use").to_string();
    assert!(
        said.ends_with("there is no certificate in it (-----BEGIN CERTIFICATE-----)"),
        "{said}"
    );
    let nothing = TlsServer::new(ServerOptions::default()).err().expect("there is none");
    assert_eq!(nothing.to_string(), "a TLS server needs a certificate and its key");
}
