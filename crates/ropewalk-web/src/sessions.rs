//! [`Sessions`]: what a site remembers of a visitor, in a signed cookie.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::header::SET_COOKIE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Request, SigningKey, query};

/// Reads and writes sessions. All of a session is in the visitor's cookie: signed, so that it cannot be changed,
/// but not secret: the visitor can read it.
///
/// # Example: a counter for each visitor
/// ```
/// use ropewalk_web::{Request, Sessions, SigningKey, page};
/// let sessions = Sessions::new(SigningKey::random()?);
/// let counter = page(move |request: &Request| {
///     let mut session = sessions.load(request);
///     let visits = session.get("visits").and_then(|visits| visits.parse().ok()).unwrap_or(0u32) + 1;
///     session.set("visits", visits.to_string());
///     sessions.save(request, &session);
///     format!("visit {visits}")
/// });
/// # let _: &dyn ropewalk_web::Resource = &counter;
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sessions {
    key: SigningKey,
    /// The cookie's name. Default `session`.
    pub cookie: String,
    /// How long a session lasts after it was last saved. Default two weeks.
    pub lifetime: Duration,
    /// Whether the cookie is for TLS only. Default no, since not every site has it; yes is right for one that
    /// does.
    pub secure: bool,
}

/// What is remembered of one visitor: names and values.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Session(BTreeMap<String, String>);

/// What browsers keep of a cookie, name and all (RFC 6265 section 6.1).
const COOKIE_BYTES_MAX: usize = 4_096;
/// Where a session says when it ends. No name that is set can be this: it is not encoded.
const ENDS: &str = "~";

impl Sessions {
    /// Sessions signed by `key`.
    pub fn new(key: SigningKey) -> Self {
        let (cookie, lifetime) = ("session".to_owned(), Duration::from_secs(14 * 24 * 3600));
        Self { key, cookie, lifetime, secure: false }
    }

    /// The session of a request; a new one if it has none, or one that is over or was tampered with.
    pub fn load(&self, request: &Request) -> Session {
        let cookie = request.cookie(&self.cookie);
        cookie.and_then(|value| self.open(&value, SystemTime::now())).unwrap_or_default()
    }

    /// Gives the visitor the session back, with the answer. `false` if it does not fit into a cookie: then the
    /// visitor keeps the one before.
    pub fn save(&self, request: &Request, session: &Session) -> bool {
        let value = self.seal(session, SystemTime::now());
        if self.cookie.len() + value.len() > COOKIE_BYTES_MAX {
            tracing::warn!(target: "ropewalk::web", "a session of {} bytes is too long for a cookie", value.len());
            return false;
        }
        self.set(request, &value, self.lifetime);
        true
    }

    /// Ends the visitor's session.
    pub fn end(&self, request: &Request) {
        self.set(request, "", Duration::ZERO);
    }

    fn set(&self, request: &Request, value: &str, lifetime: Duration) {
        let (name, age) = (&self.cookie, lifetime.as_secs());
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        request.append_header(SET_COOKIE, text);
    }

    fn seal(&self, session: &Session, now: SystemTime) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut text = format!("{ENDS}={}", seconds_of(now) + self.lifetime.as_secs());
        for (name, value) in &session.0 {
            text.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
        let signature = self.key.sign(&self.cookie, &text);
        format!("{text}.{signature}")
    }

    fn open(&self, value: &str, now: SystemTime) -> Option<Session> {
        let (text, signature) = value.rsplit_once('.')?;
        if !self.key.verify(&self.cookie, text, signature) {
            return None;
        }
        let mut pairs = query::pairs(text).into_iter();
        let (_, ends) = pairs.next().filter(|(name, _)| name == ENDS)?;
        (ends.parse::<u64>().ok()? > seconds_of(now)).then(|| Session(pairs.collect()))
    }
}

fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Session {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Remembers a value by a name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_comes_back_until_it_is_over_or_changed() {
        let sessions = Sessions::new(SigningKey::new(&[1; 32]).unwrap());
        let mut session = Session::default();
        session.set("name", "a&b=c; d.é");
        session.set("~", "9");
        let now = SystemTime::now();
        let sealed = sessions.seal(&session, now);
        assert!(sealed.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)));
        assert_eq!(sessions.open(&sealed, now), Some(session));
        assert_eq!(sessions.open(&sealed, now + sessions.lifetime), None);
        assert_eq!(sessions.open(&sealed.replace("name", "nome"), now), None);
        let other = Sessions { cookie: "other".to_owned(), ..sessions };
        assert_eq!(other.open(&sealed, now), None);
    }
}
