//! [`Ranks`]: what somebody is on a channel.

/// What somebody is on a channel: an operator, may speak, both or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ranks {
    /// Mode `o`, shown as `@`: may change the channel and send others away.
    pub operator: bool,
    /// Mode `v`, shown as `+`: may speak when others may not.
    pub voice: bool,
}

impl Ranks {
    /// Neither.
    pub const NONE: Self = Self { operator: false, voice: false };
    /// An operator.
    pub const OPERATOR: Self = Self { operator: true, voice: false };
    /// With a voice.
    pub const VOICE: Self = Self { operator: false, voice: true };

    /// The sign of the highest: `@`, `+` or nothing.
    pub fn prefix(self) -> &'static str {
        match self {
            Self { operator: true, .. } => "@",
            Self { voice: true, .. } => "+",
            Self::NONE => "",
        }
    }

    /// The signs of all, highest first (IRCv3 `multi-prefix`).
    pub fn prefixes(self) -> &'static str {
        match self {
            Self { operator: true, voice: true } => "@+",
            _ => self.prefix(),
        }
    }

    /// Whether these are as high as `least`: who is an operator has all that a voice gives.
    pub fn reach(self, least: Self) -> bool {
        if least.operator && !least.voice {
            self.operator
        } else {
            self != Self::NONE || least == Self::NONE
        }
    }
}
