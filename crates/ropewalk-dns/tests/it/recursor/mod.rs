//! The recursive resolver, on an internet in memory.

mod forged;
mod serving;
pub(crate) mod tree;
mod walking;
