//! The scenes on inspircd, which labels its answers.

use super::programs::Server;
use super::{Stage, scenes};

fn on_inspircd(test: &str, scene: fn(&Stage)) {
    if let Some(server) = Server::inspircd(test) {
        scene(&Stage::before(&server));
    }
}

#[test]
fn people_talk() {
    on_inspircd("servers::on_inspircd::people_talk", scenes::people_talk);
}

#[test]
fn channels_are_run() {
    on_inspircd("servers::on_inspircd::channels_are_run", scenes::channels_are_run);
}

#[test]
fn people_are_looked_up() {
    on_inspircd("servers::on_inspircd::people_are_looked_up", scenes::people_are_looked_up);
}

#[test]
fn a_nick_is_had_again() {
    on_inspircd("servers::on_inspircd::a_nick_is_had_again", scenes::a_nick_is_had_again);
}
