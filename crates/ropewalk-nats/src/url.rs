//! [`NatsUrl`]: `nats://user:password@host:4222`.

use ropewalk_core::{Failure, FailureKind};

/// Where a server is, and who asks.
///
/// # Example
/// ```
/// let url: ropewalk_nats::NatsUrl = "nats://bob:secret@[::1]".parse()?;
/// assert_eq!((url.host.as_str(), url.port, url.user.as_deref()), ("::1", 4222, Some("bob")));
/// assert_eq!(url.endpoint(), "tcp:[::1]:4222");
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsUrl {
    /// A name or an address, without brackets.
    pub host: String,
    /// Default 4222.
    pub port: u16,
    /// Who; or, with no password, a token.
    pub user: Option<String>,
    /// That user's.
    pub password: Option<String>,
}

impl NatsUrl {
    /// The client's endpoint, as a string.
    pub fn endpoint(&self) -> String {
        let host = &self.host;
        if host.contains(':') {
            format!("tcp:[{host}]:{}", self.port)
        } else {
            format!("tcp:{host}:{}", self.port)
        }
    }

    /// Says in `options` who asks.
    pub fn identify(&self, options: &mut crate::NatsOptions) {
        match (&self.user, &self.password) {
            (Some(token), None) => options.token = Some(token.clone()),
            (user, password) => {
                options.user.clone_from(user);
                options.password.clone_from(password);
            }
        }
    }
}

impl std::str::FromStr for NatsUrl {
    type Err = Failure;

    /// # Errors
    /// `Local` if it does not begin with `nats://`, or has no host, a port that is none, or something behind it.
    fn from_str(text: &str) -> Result<Self, Failure> {
        parse(text).ok_or_else(|| {
            // Not what was given: there may be a password in it.
            Failure::new(FailureKind::Local, "a NATS server is written nats://HOST:PORT")
        })
    }
}

fn parse(text: &str) -> Option<NatsUrl> {
    let rest = text.strip_prefix("nats://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (who, place) =
        rest.rsplit_once('@').map_or((None, rest), |(who, place)| (Some(who), place));
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => match inner.split_once(']')? {
            (host, "") => (host, None),
            (host, port) => (host, Some(port.strip_prefix(':')?)),
        },
        None => place.rsplit_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    let port = port.map_or(Some(4222), |port| port.parse().ok())?;
    let (user, password) = match who.map(|who| who.split_once(':').ok_or(who)) {
        None => (None, None),
        Some(Ok((user, password))) => (Some(user.to_owned()), Some(password.to_owned())),
        Some(Err(user)) => (Some(user.to_owned()), None),
    };
    Some(NatsUrl { host: host.to_owned(), port, user, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_who() {
        let url: NatsUrl = "nats://nats.example:4223/".parse().expect("it is one");
        assert_eq!(url.endpoint(), "tcp:nats.example:4223");
        let url: NatsUrl = "nats://t0ken@127.0.0.1".parse().expect("it is one");
        let mut options = crate::NatsOptions::default();
        url.identify(&mut options);
        assert_eq!(
            (url.endpoint().as_str(), options.token.as_deref()),
            ("tcp:127.0.0.1:4222", Some("t0ken"))
        );
    }

    #[test]
    fn what_is_none_is_refused_without_repeating_it() {
        for bad in [
            "",
            "nats://",
            "http://a",
            "nats://a:b",
            "nats://a:99999",
            "nats://[::1",
            "nats://[::1]x",
            "nats://a/b",
            "nats://u:p@",
        ] {
            let failure = bad.parse::<NatsUrl>().expect_err(bad);
            assert!(!failure.to_string().contains("u:p"));
        }
    }
}
