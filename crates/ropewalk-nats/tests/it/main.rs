//! The client against a broker in memory, and against Debian's `nats-server`.

mod absence;
mod broker;
mod greeting;
mod hostile;
mod messages;
mod real;
