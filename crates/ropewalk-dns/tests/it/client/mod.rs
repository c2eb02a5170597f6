//! The client.

mod datagrams;
mod exchange;
mod streams;
