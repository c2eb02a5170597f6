//! TLS begun in the middle of a conversation.

use bytes::Bytes;
use ropewalk_core::{Cx, Protocol};
use ropewalk_testing::{Log, MemoryServerEndpoint, Network, Recorded, Recorder};
use ropewalk_tls::{TlsServer, handshake_done, negotiated};

use crate::rig::{Outcome, Stage, client, server};

/// Echoes, and begins TLS when it is told so; refuses what comes behind that in the clear.
struct Server {
    tls: TlsServer,
}

const COMMAND: &[u8] = b"STARTTLS\r\n";

impl Protocol for Server {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let is_secret = negotiated(cx.transport()).is_some();
        match data.strip_prefix(COMMAND) {
            Some([]) if !is_secret => {
                cx.transport().write(b"220 go ahead\r\n");
                self.tls.start(cx.transport(), Bytes::new());
            }
            Some(_) if !is_secret => cx.transport().write(b"503 nothing may follow\r\n"),
            _ => {
                let word: &[u8] = if is_secret { b"secret " } else { b"open " };
                cx.transport().write(&[word, data].concat());
            }
        }
    }
}

fn stage(network: Network) -> Stage {
    let stage = Stage::over(network);
    let tls = server();
    let factory = move || Server { tls: tls.clone() };
    let listening = stage.reactor().listen(&MemoryServerEndpoint::new("here"), factory);
    stage.event_loop.run_until(listening).unwrap();
    stage
}

#[test]
fn a_conversation_goes_on_over_tls() {
    let stage = stage(Network::default());
    let log = stage.dial_plain("here");
    let transport = log.transport();
    transport.write(b"hello");
    stage.settle();
    transport.write(COMMAND);
    stage.settle();
    assert_eq!(log.data(), b"open hello220 go ahead\r\n");
    log.clear();
    assert!(negotiated(&transport).is_none());
    client().start(&transport, "localhost", Bytes::new());
    transport.write(b"hello");
    let done = Outcome::of(handshake_done(&transport));
    assert!(done.get().is_none());
    stage.settle();
    assert_eq!(log.data(), b"secret hello");
    let negotiated = done.get().unwrap().unwrap();
    assert_eq!(negotiated.server_name.as_deref(), Some("localhost"));
    assert!(Outcome::of(handshake_done(&transport)).get().is_some(), "it is done");
}

#[test]
fn what_is_pipelined_in_the_clear_is_refused_and_never_passes_for_secret() {
    let stage = stage(Network::default());
    let log = stage.dial_plain("here");
    log.transport().write(b"STARTTLS\r\nforged");
    stage.settle();
    assert_eq!(log.data(), b"503 nothing may follow\r\n");
    // In a piece of its own it comes behind the beginning of TLS, and is no TLS.
    let log = stage.dial_plain("here");
    log.transport().write(COMMAND);
    stage.settle();
    log.transport().write(b"forged");
    stage.settle();
    assert!(log.read_lost() && !log.data().ends_with(b"forged"));
}

#[test]
fn tls_may_begin_at_any_byte_of_what_has_come() {
    for chunk_size in [1, 5, 64 * 1024] {
        let stage = Stage::over(Network { chunk_size, ..Network::default() });
        let (tls, log) = (server(), Log::default());
        let for_server = log.clone();
        // A header of four bytes, and TLS right behind it.
        let factory = move || {
            let (tls, mut left) = (tls.clone(), 4);
            Recorder::new(&for_server).reacting(move |cx, event| {
                let Recorded::Data(data) = event else { return };
                if left == 0 {
                    return;
                }
                let header = data.len().min(left);
                left -= header;
                if left == 0 {
                    tls.start(cx.transport(), data[header..].to_vec());
                }
            })
        };
        let listening = stage.reactor().listen(&MemoryServerEndpoint::new("here"), factory);
        stage.event_loop.run_until(listening).unwrap();
        let dialled = stage.dial_plain("here");
        dialled.transport().write(b"HEAD");
        client().start(&dialled.transport(), "localhost", Bytes::new());
        dialled.transport().write(b"over tls");
        stage.settle();
        assert!(log.data().ends_with(b"over tls"), "in chunks of {chunk_size}");
        assert!(negotiated(&log.transport()).is_some());
    }
}

#[test]
fn a_handshake_that_fails_is_why_the_connection_is_lost() {
    let stage = stage(Network::default());
    let log = stage.dial_plain("here");
    log.transport().write(COMMAND);
    stage.settle();
    client().start(&log.transport(), "elsewhere.example", Bytes::new());
    let done = Outcome::of(handshake_done(&log.transport()));
    stage.settle();
    let said = "the peer's certificate is not for elsewhere.example, but for localhost, 127.0.0.1";
    assert_eq!(log.lost().unwrap().to_string(), said);
    assert_eq!(done.get().unwrap().unwrap_err().to_string(), said);
}
