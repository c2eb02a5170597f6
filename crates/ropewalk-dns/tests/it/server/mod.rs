//! A server that is asked.

mod datagrams;
mod limits;
mod replies;
mod rig;
mod streams;
mod transfers;
mod zone_answers;
mod zone_files;
