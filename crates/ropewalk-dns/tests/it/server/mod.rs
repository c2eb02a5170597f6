//! A server that is asked.

mod datagrams;
mod flood;
mod limits;
mod random_zones;
mod replies;
mod rig;
mod streams;
mod transfers;
mod zone_answers;
mod zone_files;
