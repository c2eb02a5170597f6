//! Names, in memory and in virtual time: the client against servers that do what the test says, and the server against
//! whoever asks it.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod bulk;
mod client;
mod fake_server;
mod forwarding;
mod recursor;
mod server;
