//! The client.

mod datagrams;
mod exchange;
mod garbage;
mod resolver;
mod servers;
mod streams;
mod typed;
