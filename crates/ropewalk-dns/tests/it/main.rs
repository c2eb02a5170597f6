//! Names: the client against servers in memory that do what the test says, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod bulk;
mod client;
mod fake_server;
