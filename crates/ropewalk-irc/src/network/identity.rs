//! [`Identity`]: who somebody is, as others see them.

use std::fmt;

use super::Refusal;
use crate::Nick;

use super::NetworkLimits;

/// The number of a user, which stays the same under all nicknames and is given to nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub(crate) u64);

impl UserId {
    /// Of those who are not on the network any more, and are only remembered.
    pub(crate) const NOBODY: Self = Self(0);
}

/// Who somebody is, as others see them, at one moment. Does not change; a user who renames has another.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) id: UserId,
    pub(crate) nick: Nick,
    pub(crate) user: Box<str>,
    pub(crate) host: Box<str>,
    pub(crate) realname: Box<str>,
    pub(crate) account: Option<Box<str>>,
    pub(crate) is_bot: bool,
}

/// Who somebody wants to be, when they come to the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The nickname.
    pub nick: String,
    /// What they are called on their own machine, or by their browser. What is too long is cut; what cannot be in
    /// one becomes `_`.
    pub user: String,
    /// Where they are, as others are to see it: a host name, an address, or whatever hides it. As with `user`.
    pub host: String,
    /// A sentence of their own. What is too long is cut.
    pub realname: String,
    /// The account that they have proven to own.
    pub account: Option<String>,
    /// Stands for somebody on another network, which has counted what they do, and has looked whether they may:
    /// nothing is too fast here, and no channel refuses them.
    pub is_relayed: bool,
}

impl Registration {
    /// Somebody who is only called so; the rest says nothing.
    pub fn new(nick: &str) -> Self {
        Self {
            nick: nick.into(),
            user: "user".into(),
            host: "localhost".into(),
            realname: nick.into(),
            account: None,
            is_relayed: false,
        }
    }
}

impl Identity {
    pub(crate) fn new(
        id: UserId,
        registration: &Registration,
        limits: &NetworkLimits,
    ) -> Result<Self, Refusal> {
        let nick = nick(&registration.nick, limits)?;
        Ok(Self {
            id,
            nick,
            user: word(&registration.user, limits.user_bytes_max).into(),
            host: word(&registration.host, limits.host_bytes_max).into(),
            realname: line(&registration.realname, limits.realname_bytes_max).into(),
            account: registration
                .account
                .as_deref()
                .map(|account| word(account, limits.nick_bytes_max).into()),
            is_bot: false,
        })
    }

    /// The number that stays.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// What they are called.
    pub fn nick(&self) -> &Nick {
        &self.nick
    }

    /// The user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Where they are, as others see it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What they say of themselves.
    pub fn realname(&self) -> &str {
        &self.realname
    }

    /// The account that they have proven to own.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Whether they say that they are a program (user mode `+B`).
    pub fn is_bot(&self) -> bool {
        self.is_bot
    }
}

/// `nick!user@host`, as it stands before a message.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}@{}", self.nick, self.user, self.host)
    }
}

pub(crate) fn nick(text: &str, limits: &NetworkLimits) -> Result<Nick, Refusal> {
    Nick::new(text, limits.nick_bytes_max).map_err(Refusal::BadNick)
}

/// One parameter of a line: never empty, nothing that could be taken for something else.
pub(crate) fn word(text: &str, bytes_max: usize) -> String {
    let made_safe = |c: char| match c {
        '!' | '@' | '*' | '?' | ',' => '_',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    };
    let text: String = text.chars().map(made_safe).collect();
    let text = text.trim_start_matches(':');
    if text.is_empty() { "_".into() } else { cut(text, bytes_max).into() }
}

/// One line, without what would end it.
pub(crate) fn line(text: &str, bytes_max: usize) -> String {
    let made_safe = |c| if ends_line(c) { ' ' } else { c };
    cut(text, bytes_max).chars().map(made_safe).collect()
}

/// Whether a line of IRC cannot have it.
pub(crate) fn ends_line(c: char) -> bool {
    matches!(c, '\0' | '\r' | '\n')
}

/// As many whole characters of `text` as fit.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameError;

    fn identity(registration: &Registration) -> Identity {
        Identity::new(UserId(1), registration, &NetworkLimits::default()).expect("a good nickname")
    }

    #[test]
    fn who_somebody_is_cannot_break_a_line_of_irc() {
        let identity = identity(&Registration {
            user: "a b!c@d\r\n".into(),
            host: ":evil host,".into(),
            realname: "two\r\nlines".into(),
            account: Some(String::new()),
            ..Registration::new("dan")
        });
        assert_eq!(identity.to_string(), "dan!a_b_c_d__@evil_host_");
        assert_eq!(identity.realname(), "two  lines");
        assert_eq!(identity.account(), Some("_"));
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let identity =
            identity(&Registration { user: "é".repeat(50), ..Registration::new("dan") });
        assert_eq!(identity.user(), "é".repeat(10));
    }

    #[test]
    fn a_bad_nickname_is_refused_not_changed() {
        let refused = Identity::new(UserId(1), &Registration::new(""), &NetworkLimits::default());
        assert_eq!(refused.expect_err("no nickname"), Refusal::BadNick(NameError::Empty));
    }
}
