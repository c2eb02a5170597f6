//! The recursive resolver, on an internet in memory.

mod broken;
mod costly;
mod forged;
mod local;
mod script;
mod serving;
pub(crate) mod tree;
mod walking;
