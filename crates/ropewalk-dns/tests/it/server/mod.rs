//! A server that is asked.

mod datagrams;
mod replies;
mod rig;
mod streams;
mod transfers;
mod zone_answers;
mod zone_files;
