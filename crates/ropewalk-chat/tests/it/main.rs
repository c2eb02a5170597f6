//! Whole evenings in the chat room, over a network in memory and in virtual time.

mod evening;
mod limits;
mod lines;
