//! TLS against itself in memory, and against real peers.
#![allow(missing_docs, reason = "tests are sentences")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and say why")]

mod certificates;
mod conformance;
mod ending;
mod endpoint_strings;
mod handshake;
mod memory;
mod peers;
mod reload;
mod rig;
mod starttls;
