//! The network in memory against its own conformance suites, and the test doubles at work.

#![allow(clippy::unwrap_used, reason = "a test that fails there has failed")]

mod chaos;
mod conversations;
mod datagrams;
mod endpoints;
mod faults;
mod networks;
mod pairs;
mod virtual_time;
