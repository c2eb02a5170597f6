//! The scenes on our own server, in memory.

use super::{Stage, scenes, settings};

#[test]
fn people_talk() {
    scenes::people_talk(&Stage::before_ours(settings()));
}

#[test]
fn channels_are_run() {
    scenes::channels_are_run(&Stage::before_ours(settings()));
}

#[test]
fn people_are_looked_up() {
    scenes::people_are_looked_up(&Stage::before_ours(settings()));
}

#[test]
fn a_nick_is_had_again() {
    scenes::a_nick_is_had_again(&Stage::before_ours(settings()));
}
