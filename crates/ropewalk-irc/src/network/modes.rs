//! Modes: what can be set on a channel and on a user, and [`ModeChange`], one thing that is set or taken back.

use std::sync::Arc;
use std::time::SystemTime;

use crate::Mask;

/// One mode that is set (`+`) or taken back (`-`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeChange {
    /// Whether it is set.
    pub adds: bool,
    /// Which.
    pub mode: Mode,
}

/// A mode of a channel, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One that is on or off.
    Flag(ChannelFlag),
    /// `k`: what has to be said to join. Which key is taken back does not matter.
    Key(Arc<str>),
    /// `l`: so many members. How many, when it is taken back, does not matter.
    Limit(usize),
    /// A mask in one of the lists.
    Mask(MaskList, Arc<str>),
    /// What the member of this nickname is.
    Rank(Rank, Arc<str>),
}

/// A mode of a channel that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelFlag {
    /// `C`: no CTCP but actions.
    NoCtcp,
    /// `i`: only who is invited may join.
    InviteOnly,
    /// `m`: only who has a rank may speak.
    Moderated,
    /// `n`: who is not on the channel may not speak there. New channels have it.
    NoOutside,
    /// `s`: who is not on the channel does not hear of it.
    Secret,
    /// `t`: only operators set the topic. New channels have it.
    TopicLocked,
}

/// A list of masks that a channel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskList {
    /// `b`: may not join, and not speak without a rank.
    Bans,
    /// `e`: may, in spite of a ban.
    Exceptions,
    /// `I`: may join as if invited.
    Invitations,
}

/// One of the [`Ranks`](super::Ranks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rank {
    /// `o`.
    Operator,
    /// `v`.
    Voice,
}

/// A mode of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserMode {
    /// `B`: is a program, and says so.
    Bot,
    /// `i`: is seen only by those who are on a channel with them, or ask for them by name.
    Invisible,
    /// `o`: an operator of the network. Nobody sets it by themselves: see
    /// [`make_operator`](super::User::make_operator).
    Operator,
    /// `w`: hears what operators say to all who want to hear it.
    Wallops,
}

/// The modes that a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserModes {
    /// `B`.
    pub bot: bool,
    /// `i`.
    pub invisible: bool,
    /// `o`.
    pub operator: bool,
    /// `w`.
    pub wallops: bool,
}

/// The modes that a channel has, but for its lists and ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelModes {
    flags: [bool; ChannelFlag::ALL.len()],
    /// `k`, if it is set.
    pub key: Option<Arc<str>>,
    /// `l`, if it is set.
    pub limit: Option<usize>,
}

/// A mask in a list of a channel, and how it came there.
#[derive(Clone, Debug)]
pub struct MaskEntry {
    /// The mask.
    pub mask: Mask,
    /// Who set it, as `nick!user@host`.
    pub by: Arc<str>,
    /// When.
    pub at: SystemTime,
}

impl ChannelFlag {
    /// All of them, by their letters.
    pub const ALL: [Self; 6] = [
        Self::NoCtcp,
        Self::InviteOnly,
        Self::Moderated,
        Self::NoOutside,
        Self::Secret,
        Self::TopicLocked,
    ];

    /// The letter.
    pub fn letter(self) -> char {
        match self {
            Self::NoCtcp => 'C',
            Self::InviteOnly => 'i',
            Self::Moderated => 'm',
            Self::NoOutside => 'n',
            Self::Secret => 's',
            Self::TopicLocked => 't',
        }
    }

    /// The flag of a letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.letter() == letter)
    }
}

impl MaskList {
    /// The letter.
    pub fn letter(self) -> char {
        match self {
            Self::Bans => 'b',
            Self::Exceptions => 'e',
            Self::Invitations => 'I',
        }
    }

    /// The list of a letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        [Self::Bans, Self::Exceptions, Self::Invitations]
            .into_iter()
            .find(|list| list.letter() == letter)
    }
}

impl Rank {
    /// The letter.
    pub fn letter(self) -> char {
        match self {
            Self::Operator => 'o',
            Self::Voice => 'v',
        }
    }

    /// The rank of a letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        [Self::Operator, Self::Voice].into_iter().find(|rank| rank.letter() == letter)
    }
}

impl Mode {
    /// The letter.
    pub fn letter(&self) -> char {
        match self {
            Self::Flag(flag) => flag.letter(),
            Self::Key(_) => 'k',
            Self::Limit(_) => 'l',
            Self::Mask(list, _) => list.letter(),
            Self::Rank(rank, _) => rank.letter(),
        }
    }
}

impl UserMode {
    /// The letter.
    pub fn letter(self) -> char {
        match self {
            Self::Bot => 'B',
            Self::Invisible => 'i',
            Self::Operator => 'o',
            Self::Wallops => 'w',
        }
    }

    /// The mode of a letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        [Self::Bot, Self::Invisible, Self::Operator, Self::Wallops]
            .into_iter()
            .find(|mode| mode.letter() == letter)
    }
}

impl UserModes {
    /// Whether it has that mode.
    pub fn has(self, mode: UserMode) -> bool {
        match mode {
            UserMode::Bot => self.bot,
            UserMode::Invisible => self.invisible,
            UserMode::Operator => self.operator,
            UserMode::Wallops => self.wallops,
        }
    }

    /// Sets it, or takes it back; false if it was so before.
    pub(crate) fn set(&mut self, mode: UserMode, on: bool) -> bool {
        let place = match mode {
            UserMode::Bot => &mut self.bot,
            UserMode::Invisible => &mut self.invisible,
            UserMode::Operator => &mut self.operator,
            UserMode::Wallops => &mut self.wallops,
        };
        std::mem::replace(place, on) != on
    }

    /// Their letters, with a `+` before them.
    pub fn letters(self) -> String {
        let all = [UserMode::Bot, UserMode::Invisible, UserMode::Operator, UserMode::Wallops];
        let letters = all.into_iter().filter(|mode| self.has(*mode)).map(UserMode::letter);
        std::iter::once('+').chain(letters).collect()
    }
}

impl ChannelModes {
    /// Those of a new channel: `+nt`.
    pub(crate) fn of_new_channel() -> Self {
        let mut modes = Self::default();
        modes.set(ChannelFlag::NoOutside, true);
        modes.set(ChannelFlag::TopicLocked, true);
        modes
    }

    /// Whether it has that flag.
    pub fn has(&self, flag: ChannelFlag) -> bool {
        self.flags[flag as usize]
    }

    /// Sets it, or takes it back; false if it was so before.
    pub(crate) fn set(&mut self, flag: ChannelFlag, on: bool) -> bool {
        std::mem::replace(&mut self.flags[flag as usize], on) != on
    }

    /// Their letters with a `+` before them, those without a parameter first.
    pub fn letters(&self) -> String {
        let flags = ChannelFlag::ALL.into_iter().filter(|flag| self.has(*flag));
        let key = self.key.iter().map(|_| 'k');
        let limit = self.limit.iter().map(|_| 'l');
        std::iter::once('+').chain(flags.map(ChannelFlag::letter)).chain(key).chain(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_for_one_mode_each() {
        for flag in ChannelFlag::ALL {
            assert_eq!(ChannelFlag::of_letter(flag.letter()), Some(flag));
            assert_eq!(ChannelFlag::ALL[flag as usize], flag, "its place is its number");
        }
        assert_eq!(MaskList::of_letter('I'), Some(MaskList::Invitations));
        assert_eq!(Rank::of_letter('v'), Some(Rank::Voice));
        assert_eq!(UserMode::of_letter('x'), None);
    }

    #[test]
    fn modes_are_written_with_those_that_have_a_parameter_last() {
        let mut modes = ChannelModes::of_new_channel();
        assert_eq!(modes.letters(), "+nt");
        modes.limit = Some(3);
        modes.key = Some("k".into());
        assert!(modes.set(ChannelFlag::Secret, true));
        assert!(!modes.set(ChannelFlag::Secret, true), "it was set");
        assert_eq!(modes.letters(), "+nstkl");
        assert_eq!(UserModes::default().letters(), "+");
    }
}
