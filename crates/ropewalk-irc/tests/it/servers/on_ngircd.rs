//! The scenes on ngircd, which labels nothing.

use super::programs::Server;
use super::{Stage, scenes};

fn on_ngircd(test: &str, scene: fn(&Stage)) {
    if let Some(server) = Server::ngircd(test) {
        scene(&Stage::before(&server));
    }
}

#[test]
fn people_talk() {
    on_ngircd("servers::on_ngircd::people_talk", scenes::people_talk);
}

#[test]
fn channels_are_run() {
    on_ngircd("servers::on_ngircd::channels_are_run", scenes::channels_are_run);
}

#[test]
fn people_are_looked_up() {
    on_ngircd("servers::on_ngircd::people_are_looked_up", scenes::people_are_looked_up);
}

#[test]
fn a_nick_is_had_again() {
    on_ngircd("servers::on_ngircd::a_nick_is_had_again", scenes::a_nick_is_had_again);
}
