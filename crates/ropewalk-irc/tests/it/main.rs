//! IRC in memory and in virtual time: lines, names, masks.

mod casemaps;
mod lines_built;
mod lines_taken_apart;
mod masks;
mod names;
mod network;
mod round_trips;
mod server;
