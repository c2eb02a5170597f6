//! The client.

mod datagrams;
mod exchange;
mod resolver;
mod servers;
mod streams;
mod typed;
