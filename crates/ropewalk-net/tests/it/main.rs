//! The drivers and endpoints, on real descriptors and against real programs.
#![allow(missing_docs, reason = "tests are sentences")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and say why")]

mod conformance;
mod connecting;
mod descriptors_run_out;
mod endpoint_strings;
mod fairness;
mod fd_watch;
mod files;
mod guest;
mod peers;
mod resets;
mod rig;
mod signals;
mod stdio;
mod threads;
mod udp;
mod unix;
mod uring;
mod workers;
