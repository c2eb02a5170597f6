//! IRC: lines, names and masks; the client in memory and in virtual time, and against real servers.
#![allow(clippy::print_stderr, reason = "a test that fails says where it was")]

mod casemaps;
mod client;
mod lines_built;
mod lines_taken_apart;
mod masks;
mod names;
mod network;
mod real;
mod round_trips;
mod server;
