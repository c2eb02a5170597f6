//! Sites over a network in memory, and over real sockets with files, programs and other servers behind them.

mod around;
mod events;
mod files;
mod forms;
mod peers;
mod programs;
mod proxies;
mod rig;
mod routes;
mod tower;
