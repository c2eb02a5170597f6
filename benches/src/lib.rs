//! What the measuring programs share.
//!
//! `cargo xtask bench` runs the program `bench`. It starts one server after the other, each a process of its
//! own on one core, and the program `load` on another core; `load` talks to the server and reads from
//! `/proc` what that cost it. The peers are the least that does the same work (`benches/peers`).
//!
//! In reading order: what is measured with ([`cpu`], [`memory`], [`latencies`], [`stats`], [`machine`]); the servers
//! ([`peers`], [`foreign`]) and the loads on them ([`target`], [`connection`], [`ping_pong`], [`open_loop`], [`dial`], [`crowd`], [`report`]);
//! what is kept ([`figures`]) and how servers take turns ([`turns`]); the benches ([`suite`], then one file each); and
//! what comes out ([`table`], [`goals`], [`picture`], [`page`]), with [`options`] for what a program is told.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "programs of the terminal")]

pub mod cpu;
pub mod latencies;
pub mod machine;
pub mod memory;
pub mod stats;

pub mod connection;
pub mod crowd;
pub mod dial;
pub mod foreign;
pub mod open_loop;
pub mod peers;
pub mod ping_pong;
pub mod report;
pub mod target;

pub mod figures;
pub mod turns;

pub mod chat;
pub mod connect;
pub mod echo;
pub mod http;
pub mod idle;
pub mod latency;
pub mod micro;
pub mod names;
pub mod suite;
pub mod workers;

pub mod goals;
pub mod options;
pub mod page;
pub mod picture;
pub mod table;
