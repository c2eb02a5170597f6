//! The decisions of `docs/design/004-hard-places.md`, each with what would fail without it.
//!
//! Two drivers: the one in memory of `ropewalk-testing`, and a [`puppet`](puppet::Puppet) that says exactly
//! what a test wants said.

mod climbing;
mod drops;
mod endpoints;
mod guest;
mod layers;
mod limits;
mod owner;
mod panics;
mod pausing;
mod preparing;
mod protocol_ref;
mod puppet;
mod remote;
mod slots;
mod switching;
mod tasks;
mod turn;
mod writing;
