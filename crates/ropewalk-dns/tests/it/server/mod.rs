//! A server that is asked.

mod datagrams;
mod replies;
mod rig;
mod streams;
mod zone_answers;
mod zone_files;
