//! Ropewalk without a network: protocols, whole conversations and whole applications, run in memory.
//!
//! A [`MemoryDriver`] is one more driver under the same heart as epoll's. Its network and its clock are in
//! memory: time is virtual and jumps to the next thing that happens, so nothing sleeps and an hour passes in
//! no time; delay, tiny pieces, small windows, resets, silence and lost datagrams are settings of the
//! [`Network`], and what happens by chance comes from a [`Seed`] that is printed when a test fails and can be
//! given again.
//!
//! # What is for whom
//! | to test | use |
//! |---|---|
//! | one protocol, by hand | [`Conversation`]: feed it bytes, look at what it wrote |
//! | one protocol, for every way its bytes can be split | [`check_protocol`] |
//! | a client and a server against each other | [`Pair`] |
//! | an application on a string endpoint | `memory:NAME`, by [`register`] |
//! | one that dials addresses by `tcp:`, `udp:` and `tls:` | [`register_internet`] |
//! | what happened, and when | [`Recorder`] and its [`Log`] |
//! | a driver of one's own | [`check_driver`], [`check_transport`] and [`check_datagrams`], which every driver here passes |
//!
//! # In reading order
//! `network.rs` (the settings), `schedule.rs` and `world.rs` (what is going to happen, and to whom), `pipe.rs` (one direction of a
//! connection), `memory_driver.rs` (how the heart is told); then the doubles; then `conformance/`.
#![forbid(unsafe_code)]

mod alarm;
mod conformance;
mod conversation;
mod memory_driver;
mod memory_endpoint;
mod memory_network;
mod network;
mod pair;
mod pipe;
mod random;
mod recorder;
mod row;
mod schedule;
mod turns;
mod world;

pub use conformance::{
    DatagramSetup, Setup, check_datagrams, check_driver, check_protocol, check_transport,
};
pub use conversation::Conversation;
pub use memory_driver::MemoryDriver;
pub use memory_endpoint::{
    MemoryClientEndpoint, MemoryDatagramEndpoint, MemoryServerEndpoint, register, register_internet,
};
pub use memory_network::MemoryNetwork;
pub use network::Network;
pub use pair::{Pair, Rest};
pub use random::{Random, Seed};
pub use recorder::{Log, Recorded, Recorder};
