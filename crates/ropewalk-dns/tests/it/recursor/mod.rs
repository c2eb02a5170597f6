//! The recursive resolver, on an internet in memory.

mod forged;
mod tree;
mod walking;
