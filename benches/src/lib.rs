//! What the measuring programs share.
//!
//! `cargo xtask bench` runs the program `bench`. It starts one server after the other, each a process of its
//! own on one core, and the program `load` on another core; `load` talks to the server and reads from
//! `/proc` what that cost it. The peers are the least that does the same work: `peer-epoll` is the floor that
//! no library can be under, `peer-tokio` is what one would use otherwise.
//!
//! In reading order: what is measured with ([`cpu`], [`memory`], [`latencies`]), the two ends ([`peers`],
//! [`connection`], [`ping_pong`], [`report`]), the two benches ([`echo`], [`idle`]), and what they print and
//! are told ([`table`], [`options`]).

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "programs of the terminal")]

pub mod cpu;
pub mod latencies;
pub mod memory;

pub mod connection;
pub mod peers;
pub mod ping_pong;
pub mod report;

pub mod echo;
pub mod idle;

pub mod options;
pub mod table;
