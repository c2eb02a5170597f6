//! What all peers have in common: `peer-NAME [HOST:PORT]` listens there and prints where it listens.
//!
//! The peers are echo servers, each the least that does it in its own way, and each to be read in a minute:
//!
//! | file | what it is |
//! |---|---|
//! | `epoll.rs` | a bare epoll loop: the floor for every server that is told "readable" |
//! | `uring/main.rs` | a bare io_uring loop: the floor for every server that is told "received" |
//! | `tokio.rs` | tokio, on one thread or several |
//! | `compio.rs` | compio, a runtime over io_uring |
//! | `libuv.c` | libuv, in C, where Debian's `libuv1-dev` is installed |
//! | `twisted_echo.py`, `uvloop_echo.py` | Python's Twisted, and its asyncio on uvloop |
//! | `nginx.conf` | nginx, which cannot echo: it answers a request with thirteen bytes |
//! | `http/*_chat*` | rooms by long polling: on axum, in twisted.web, and with a thread for each connection |
//! | `http/` | servers of HTTP: hyper, axum, actix-web and ours, and twisted.web; over TLS if `PEER_CERTIFICATE` and `PEER_KEY` name files |

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "programs of the terminal")]

#[cfg(feature = "runtimes")]
pub mod tls;

use std::io;
use std::net::TcpListener;

/// What every HTTP server here answers with, as the type `text` or as mere bytes.
pub const HELLO: &[u8] = b"Hello, world!";

/// Listens at the address that is the program's first argument (a free port of 127.0.0.1 if there is none), and
/// says so on standard output.
///
/// `TCP_NODELAY` is not set here: each peer sets it on what it accepts, or once on the listener.
///
/// # Errors
///
/// What the system says.
pub fn listen() -> io::Result<TcpListener> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}
