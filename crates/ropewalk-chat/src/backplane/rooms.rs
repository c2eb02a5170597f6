//! What is to be set on a room so that it is the older one of the same name.

use ropewalk_irc::network::{Mode, ModeChange};

/// What is to be changed on a room that has `ours` so that it has `theirs`, which has every flag.
pub(crate) fn changes_to(ours: &[ModeChange], theirs: Vec<ModeChange>) -> Vec<ModeChange> {
    let is_kept = |change: &&ModeChange| !theirs.contains(change);
    let surplus = ours.iter().filter(|change| change.adds && !matches!(change.mode, Mode::Flag(_)));
    let taken = surplus.filter(is_kept).map(taken_back).collect::<Vec<_>>();
    let new = theirs.iter().filter(|change| !ours.contains(change)).cloned();
    taken.into_iter().chain(new).collect()
}

/// What takes from all who have a rank what they have.
pub(crate) fn taken_ranks(ours: &[ModeChange]) -> Vec<ModeChange> {
    let is_rank = |change: &&ModeChange| change.adds && matches!(change.mode, Mode::Rank(..));
    ours.iter().filter(is_rank).map(taken_back).collect()
}

fn taken_back(change: &ModeChange) -> ModeChange {
    ModeChange { adds: false, mode: change.mode.clone() }
}

#[cfg(test)]
mod tests {
    use ropewalk_irc::network::{ChannelFlag, MaskList, Rank};

    use super::*;

    #[test]
    fn a_room_becomes_what_the_other_is() {
        let flag = |adds, flag| ModeChange { adds, mode: Mode::Flag(flag) };
        let set = |mode| ModeChange { adds: true, mode };
        let [mallory, alice] =
            ["mallory", "alice"].map(|nick| Mode::Rank(Rank::Operator, nick.into()));
        let (ban, key) = (Mode::Mask(MaskList::Bans, "*!*@evil".into()), Mode::Key("k".into()));
        let ours = [
            flag(true, ChannelFlag::Secret),
            flag(true, ChannelFlag::NoOutside),
            set(mallory.clone()),
            set(key.clone()),
        ];
        let theirs = vec![
            flag(false, ChannelFlag::Secret),
            flag(true, ChannelFlag::NoOutside),
            set(alice.clone()),
            set(ban.clone()),
        ];
        let taken = |mode| ModeChange { adds: false, mode };
        let expected = [
            taken(mallory.clone()),
            taken(key),
            flag(false, ChannelFlag::Secret),
            set(alice),
            set(ban),
        ];
        assert_eq!(changes_to(&ours, theirs), expected);
        assert_eq!(taken_ranks(&ours), [taken(mallory)]);
    }
}
