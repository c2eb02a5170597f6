//! TLS against itself in memory, and against real peers.
#![allow(missing_docs, reason = "tests are sentences")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and say why")]

mod certificates;
mod conformance;
mod handshake;
mod rig;
