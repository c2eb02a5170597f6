//! The Domain Name System in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod server_datagrams;
mod server_replies;
mod server_rig;
mod server_streams;
mod zone_answers;
mod zone_files;
