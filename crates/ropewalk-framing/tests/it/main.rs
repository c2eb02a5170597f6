//! All decoders, however the stream is cut into chunks; and what is built on them and beside them, over a
//! network in memory and in virtual time.

mod framed;
mod heard;
mod idle_timeout;
mod line_receiver;
mod lines;
mod proxy_header;
mod rate_limit;
mod splits;
mod wrappers;
