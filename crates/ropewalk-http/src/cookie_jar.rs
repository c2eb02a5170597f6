//! [`CookieJar`]: the cookies that servers have set, and to whom each goes back (RFC 6265).
//!
//! There is no list of public suffixes here: a cookie may be set for any parent domain that has a dot in it,
//! but `co.uk` is one of these. Who talks to servers that set cookies against each other has a jar for each.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use cookie::Cookie;
use http::Uri;

/// Cookies that an [`Agent`](crate::Agent) keeps between requests. A clone is the same jar.
///
/// # Limits
/// 50 cookies for a domain and 3,000 in all, of 4,096 bytes each (RFC 6265 section 6.1); the oldest make room.
#[derive(Clone, Default)]
pub struct CookieJar(Rc<RefCell<Vec<Stored>>>);

struct Stored {
    name: String,
    value: String,
    domain: String,
    /// Whether it goes to the one host that set it.
    is_host_only: bool,
    path: String,
    is_secure: bool,
    expires: Option<SystemTime>,
}

const COOKIES_MAX: usize = 3_000;
const COOKIES_PER_DOMAIN_MAX: usize = 50;
const COOKIE_BYTES_MAX: usize = 4_096;

impl CookieJar {
    /// An empty jar.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many cookies there are.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps what `Set-Cookie: text` in an answer of `url` says, if the server may say it.
    pub fn store(&self, url: &Uri, text: &str) {
        if let Some(cookie) = Stored::parse(url, text, SystemTime::now()) {
            self.put(cookie);
        }
    }

    fn put(&self, cookie: Stored) {
        let mut jar = self.0.borrow_mut();
        jar.retain(|other| !other.is_same(&cookie));
        if cookie.is_over(SystemTime::now()) {
            return;
        }
        let of_domain = jar.iter().filter(|other| other.domain == cookie.domain).count();
        if of_domain >= COOKIES_PER_DOMAIN_MAX {
            let oldest = jar.iter().position(|other| other.domain == cookie.domain);
            oldest.map(|at| jar.remove(at));
        } else if jar.len() >= COOKIES_MAX {
            jar.remove(0);
        }
        jar.push(cookie);
    }

    /// The value of `Cookie` for a request of `url`; `None` if there is nothing to say.
    pub fn header_for(&self, url: &Uri) -> Option<String> {
        let now = SystemTime::now();
        let mut jar = self.0.borrow_mut();
        jar.retain(|cookie| !cookie.is_over(now));
        let mut fitting: Vec<&Stored> = jar.iter().filter(|cookie| cookie.goes_to(url)).collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len())); // RFC 6265 section 5.4
        let pairs: Vec<String> =
            fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Stored {
    fn parse(url: &Uri, text: &str, now: SystemTime) -> Option<Self> {
        if text.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let cookie = Cookie::parse(text).ok()?;
        let host = host_of(url)?;
        let domain =
            cookie.domain().map(str::to_ascii_lowercase).filter(|domain| !domain.is_empty());
        let (domain, is_host_only) = match domain {
            Some(domain) if domain == host => (host, false),
            Some(domain) if is_within(&host, &domain) && domain.contains('.') => (domain, false),
            Some(_) => return None,
            None => (host, true),
        };
        let expires = match cookie.max_age() {
            // Negative is over already; and beyond the end of time is never.
            Some(age) => now.checked_add(Duration::try_from(age).unwrap_or(Duration::ZERO)),
            None => cookie.expires_datetime().map(SystemTime::from),
        };
        let path = cookie.path().filter(|path| path.starts_with('/'));
        Some(Self {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            domain,
            is_host_only,
            path: path.map_or_else(|| default_path(url), str::to_owned),
            is_secure: cookie.secure().unwrap_or(false),
            expires,
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn goes_to(&self, url: &Uri) -> bool {
        let Some(host) = host_of(url) else { return false };
        let fits_host =
            host == self.domain || (!self.is_host_only && is_within(&host, &self.domain));
        let fits_path = url.path().strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        fits_host && fits_path && (!self.is_secure || url.scheme_str() == Some("https"))
    }
}

fn host_of(url: &Uri) -> Option<String> {
    url.host().map(str::to_ascii_lowercase)
}

/// RFC 6265 section 5.1.3: a name below another; an address is below nothing.
fn is_within(host: &str, domain: &str) -> bool {
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    !is_address && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// RFC 6265 section 5.1.4.
fn default_path(url: &Uri) -> String {
    let path = url.path();
    match path.rfind('/') {
        Some(at) if at > 0 => path[..at].to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_cookie_goes_back_to_whom_it_may() {
        let jar = CookieJar::new();
        jar.store(&url("http://www.example.com/a/b"), "host=1");
        jar.store(&url("http://www.example.com/"), "wide=2; Domain=.example.com; Path=/");
        jar.store(&url("https://www.example.com/"), "safe=3; Secure; Path=/");
        let sent = |text| jar.header_for(&url(text)).unwrap_or_default();
        assert_eq!(sent("http://www.example.com/a/c"), "host=1; wide=2");
        assert_eq!(sent("http://www.example.com/ab"), "wide=2");
        assert_eq!(sent("http://other.example.com/a/"), "wide=2");
        assert_eq!(sent("http://badexample.com/"), "");
        assert_eq!(sent("https://www.example.com/"), "wide=2; safe=3");
    }

    #[test]
    fn a_server_cannot_set_what_is_not_its_own() {
        let jar = CookieJar::new();
        jar.store(&url("http://example.com/"), "a=1; Domain=other.com");
        jar.store(&url("http://example.com/"), "a=1; Domain=com");
        jar.store(&url("http://example.com/"), "a=1; Domain=www.example.com");
        jar.store(&url("http://127.0.0.1/"), "a=1; Domain=0.0.1");
        jar.store(&url("http://example.com/"), &format!("a={}", "x".repeat(5000)));
        assert!(jar.is_empty());
    }

    #[test]
    fn cookies_end() {
        let jar = CookieJar::new();
        jar.store(&url("http://a/"), "a=1; Max-Age=100");
        jar.store(&url("http://a/"), "b=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(jar.header_for(&url("http://a/")).unwrap(), "a=1");
        jar.store(&url("http://a/"), "a=; Max-Age=0");
        assert!(jar.is_empty());
    }

    #[test]
    fn a_cookie_may_be_meant_for_longer_than_time_goes() {
        let jar = CookieJar::new();
        jar.store(&url("http://a/"), "a=1; Max-Age=9223372036854775807");
        jar.store(&url("http://a/"), "b=1; Max-Age=99999999999999999999999");
        jar.store(&url("http://a/"), "c=1; Max-Age=-9223372036854775808");
        assert_eq!(jar.header_for(&url("http://a/")).unwrap(), "a=1; b=1");
    }

    #[test]
    fn a_jar_is_bounded() {
        let jar = CookieJar::new();
        for number in 0..200 {
            jar.store(&url("http://a/"), &format!("c{number}=1"));
        }
        assert_eq!(jar.len(), COOKIES_PER_DOMAIN_MAX);
        assert!(jar.header_for(&url("http://a/")).unwrap().contains("c199"));
    }
}
