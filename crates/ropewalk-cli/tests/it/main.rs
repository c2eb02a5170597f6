//! The `ropewalk` command as people use it: the real program, and real ones to talk to it.

mod backplane;
mod browser_chat;
mod browser_pages;
mod chat;
mod chat_rooms;
mod command_line;
mod echo;
mod ending;
mod examples;
mod get;
mod guest;
mod log;
mod names_peers;
mod names_peers_answer;
mod names_server;
mod names_server_answers;
mod names_server_tools;
mod names_server_transfers;
mod nginx;
mod program;
mod refused;
mod signals;
mod slow_clients;
mod system_calls;
mod web;
mod workers;
