//! [`Capability`] and [`Capabilities`]: what a client has asked to be told, or in which way (IRCv3).

/// Something that a client may ask for with `CAP REQ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    AccountNotify,
    AccountTag,
    AwayNotify,
    Batch,
    CapNotify,
    ChatHistory,
    EchoMessage,
    ExtendedJoin,
    ExtendedMonitor,
    InviteNotify,
    LabeledResponse,
    MessageTags,
    MultiPrefix,
    NoImplicitNames,
    Sasl,
    ServerTime,
    SetName,
    StandardReplies,
    UserhostInNames,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities(u32);

impl Capability {
    pub(crate) const ALL: [Self; 19] = [
        Self::AccountNotify,
        Self::AccountTag,
        Self::AwayNotify,
        Self::Batch,
        Self::CapNotify,
        Self::ChatHistory,
        Self::EchoMessage,
        Self::ExtendedJoin,
        Self::ExtendedMonitor,
        Self::InviteNotify,
        Self::LabeledResponse,
        Self::MessageTags,
        Self::MultiPrefix,
        Self::NoImplicitNames,
        Self::Sasl,
        Self::ServerTime,
        Self::SetName,
        Self::StandardReplies,
        Self::UserhostInNames,
    ];

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountNotify => "account-notify",
            Self::AccountTag => "account-tag",
            Self::AwayNotify => "away-notify",
            Self::Batch => "batch",
            Self::CapNotify => "cap-notify",
            Self::ChatHistory => "draft/chathistory",
            Self::EchoMessage => "echo-message",
            Self::ExtendedJoin => "extended-join",
            Self::ExtendedMonitor => "extended-monitor",
            Self::InviteNotify => "invite-notify",
            Self::LabeledResponse => "labeled-response",
            Self::MessageTags => "message-tags",
            Self::MultiPrefix => "multi-prefix",
            Self::NoImplicitNames => "draft/no-implicit-names",
            Self::Sasl => "sasl",
            Self::ServerTime => "server-time",
            Self::SetName => "setname",
            Self::StandardReplies => "standard-replies",
            Self::UserhostInNames => "userhost-in-names",
        }
    }

    /// The one of that name. Names of capabilities are compared as they are.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// What stands behind `=` in a list of version 302.
    pub(crate) fn value(self) -> Option<&'static str> {
        (self == Self::Sasl).then_some("PLAIN")
    }
}

impl Capabilities {
    /// Those that make a difference to how an event is written.
    const WRITING: [Capability; 6] = [
        Capability::AccountTag,
        Capability::AwayNotify,
        Capability::ChatHistory,
        Capability::ExtendedJoin,
        Capability::MessageTags,
        Capability::ServerTime,
    ];

    pub(crate) fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }

    pub(crate) fn set(&mut self, capability: Capability, on: bool) {
        if on {
            self.0 |= bit(capability);
        } else {
            self.0 &= !bit(capability);
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.has(*capability))
    }

    /// The same for all clients to which events look the same.
    pub(crate) fn writing_key(self) -> u64 {
        let writing = Self::WRITING.into_iter().map(bit).fold(0, |all, one| all | one);
        u64::from(self.0 & writing)
    }

    /// What the key says.
    pub(crate) fn from_writing_key(key: u64) -> Self {
        Self(u32::try_from(key).unwrap_or_default())
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(all: I) -> Self {
        Self(all.into_iter().map(bit).fold(0, |set, one| set | one))
    }
}

fn bit(capability: Capability) -> u32 {
    1 << capability as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_bit_of_its_own() {
        let all: Capabilities = Capability::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Capability::ALL.len());
        for capability in Capability::ALL {
            assert_eq!(Capability::named(capability.name()), Some(capability));
        }
        assert_eq!(Capability::named("SASL"), None);
    }

    #[test]
    fn the_key_keeps_what_makes_a_difference() {
        let set: Capabilities = [Capability::ServerTime, Capability::Sasl].into_iter().collect();
        let kept = Capabilities::from_writing_key(set.writing_key());
        assert!(kept.has(Capability::ServerTime) && !kept.has(Capability::Sasl));
    }
}
