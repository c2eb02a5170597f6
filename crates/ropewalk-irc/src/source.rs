//! [`Source`]: who a message is from.

use std::fmt;

/// Who a message is from: `nick!user@host`, or a server's name. Never fails to be read: what is no user has only
/// a name.
///
/// # Example
/// ```
/// use ropewalk_irc::Source;
/// let source = Source::parse("dan!d@localhost");
/// assert_eq!((source.nick, source.user, source.host), ("dan", Some("d"), Some("localhost")));
/// assert_eq!(Source::parse("irc.example.org").nick, "irc.example.org");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source<'a> {
    /// What stands before `!` and `@`; of a server all of it.
    pub nick: &'a str,
    /// What stands behind `!`.
    pub user: Option<&'a str>,
    /// What stands behind the first `@` after that.
    pub host: Option<&'a str>,
}

impl<'a> Source<'a> {
    /// Takes a source apart, as it stands behind the colon.
    pub fn parse(text: &'a str) -> Self {
        let (nick, user, host) = match text.split_once('!') {
            Some((nick, rest)) => {
                let (user, host) = split_host(rest);
                (nick, Some(user), host)
            }
            None => {
                let (nick, host) = split_host(text);
                (nick, None, host)
            }
        };
        Self { nick, user, host }
    }
}

fn split_host(text: &str) -> (&str, Option<&str>) {
    text.split_once('@').map_or((text, None), |(before, host)| (before, Some(host)))
}

/// As it stands in a line, without the colon.
impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.nick)?;
        if let Some(user) = self.user {
            write!(f, "!{user}")?;
        }
        self.host.map_or(Ok(()), |host| write!(f, "@{host}"))
    }
}
