//! IRC: lines, names and masks; the network, the server and the client in memory and in virtual time; the client
//! on all servers there are.

mod casemaps;
mod client;
mod lines_built;
mod lines_taken_apart;
mod masks;
mod names;
mod network;
mod round_trips;
mod server;
mod servers;
