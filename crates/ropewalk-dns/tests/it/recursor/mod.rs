//! The recursive resolver, on an internet in memory.

mod forged;
mod serving;
mod tree;
mod walking;
