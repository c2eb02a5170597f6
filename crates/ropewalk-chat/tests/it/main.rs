//! Whole evenings in the chat room, over a network in memory and in virtual time.

mod absence;
mod backplane;
mod broker;
mod browser;
mod browser_limits;
mod day;
mod evening;
mod history;
mod limits;
mod lines;
mod long_day;
mod rooms;
mod soak;
mod visitor;
