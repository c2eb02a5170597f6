//! The conformance suites: what every driver, every transport and every protocol promises, as cases that anybody
//! can run against their own.
//!
//! Each case is a function whose name is the promise. A suite runs all of its cases, each on a [`Setup`] of its
//! own, and panics with the names of those that failed. No case sleeps or relies on speed; over a driver in
//! memory they take virtual time.

mod datagrams;
mod driver;
mod probe;
mod protocol;
mod runner;
mod setup;
mod suite;
mod transport;

pub use datagrams::{DatagramSetup, check_datagrams};
pub use driver::check_driver;
pub use protocol::check_protocol;
pub use setup::Setup;
pub use transport::check_transport;
