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
    texts: Texts,
    pub(crate) is_bot: bool,
}

/// User name, host, real name and account (empty if there is none) in one allocation, for there are thousands: between
/// them stands NUL, which none of them can have.
#[derive(Clone, Debug)]
struct Texts(Box<str>);

const SEPARATOR: &str = "\0";
const USER: usize = 0;
const HOST: usize = 1;
const REALNAME: usize = 2;
const ACCOUNT: usize = 3;

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
        let account = registration.account.as_deref();
        let texts = Texts::new([
            &word(&registration.user, limits.user_bytes_max),
            &word(&registration.host, limits.host_bytes_max),
            &line(&registration.realname, limits.realname_bytes_max),
            &account.map_or(String::new(), |account| word(account, limits.nick_bytes_max)),
        ]);
        Ok(Self { id, nick, texts, is_bot: false })
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
        self.texts.get(USER)
    }

    /// Where they are, as others see it.
    pub fn host(&self) -> &str {
        self.texts.get(HOST)
    }

    /// What they say of themselves.
    pub fn realname(&self) -> &str {
        self.texts.get(REALNAME)
    }

    /// The account that they have proven to own.
    pub fn account(&self) -> Option<&str> {
        Some(self.texts.get(ACCOUNT)).filter(|account| !account.is_empty())
    }

    /// Gives them another real name, which is a [`line`].
    pub(crate) fn set_realname(&mut self, realname: &str) {
        self.texts.set(REALNAME, realname);
    }

    /// Gives them another account, which is a [`word`], or none.
    pub(crate) fn set_account(&mut self, account: Option<&str>) {
        self.texts.set(ACCOUNT, account.unwrap_or_default());
    }

    /// Whether they say that they are a program (user mode `+B`).
    pub fn is_bot(&self) -> bool {
        self.is_bot
    }
}

impl Texts {
    fn new(all: [&str; 4]) -> Self {
        Self(all.join(SEPARATOR).into())
    }

    fn get(&self, which: usize) -> &str {
        self.0.split(SEPARATOR).nth(which).unwrap_or_default()
    }

    fn set(&mut self, which: usize, text: &str) {
        let mut all = [USER, HOST, REALNAME, ACCOUNT].map(|one| self.get(one));
        all[which] = text;
        *self = Self::new(all);
    }
}

/// `nick!user@host`, as it stands before a message.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}@{}", self.nick, self.user(), self.host())
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
    fn a_real_name_and_an_account_are_changed_alone() {
        let mut dan = identity(&Registration::new("dan"));
        assert_eq!((dan.realname(), dan.account()), ("dan", None));
        dan.set_account(Some("daniel"));
        dan.set_realname("");
        assert_eq!((dan.user(), dan.host(), dan.realname()), ("user", "localhost", ""));
        assert_eq!(dan.account(), Some("daniel"));
        dan.set_account(None);
        assert_eq!((dan.realname(), dan.account()), ("", None));
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
