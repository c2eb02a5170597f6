//! [`Origin`]: where a client's connection goes to; connections of one origin are shared.

use http::Uri;
use http::uri::Authority;
use ropewalk_core::{Failure, FailureKind};

/// A place that a connection can be made to, and what is spoken over it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Origin {
    pub(crate) is_secure: bool,
    /// As it stands in a URL: an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) route: Route,
}

/// How it is reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Route {
    Direct,
    /// Through a UNIX socket; the host is only for `Host`.
    Unix(String),
    /// Through a forward proxy at this host and port.
    Proxy(String, u16),
}

impl Origin {
    /// Of an absolute URL: `http:` or `https:`.
    pub(crate) fn of(url: &Uri, proxy: Option<&Uri>) -> Result<Self, Failure> {
        let (scheme, authority) = (url.scheme_str(), url.authority());
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(bad_url(url, "it has no scheme and host"));
        };
        if authority.host().is_empty() {
            return Err(bad_url(url, "it has no host"));
        }
        match scheme {
            "http" | "https" => Self::of_host(scheme == "https", authority, proxy),
            _ => Err(bad_url(url, "its scheme is not http or https")),
        }
    }

    fn of_host(
        is_secure: bool,
        authority: &Authority,
        proxy: Option<&Uri>,
    ) -> Result<Self, Failure> {
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let route = match proxy {
            None => Route::Direct,
            Some(proxy) => {
                let name = proxy.host().ok_or_else(|| bad_url(proxy, "a proxy has a host"))?;
                Route::Proxy(name.to_owned(), proxy.port_u16().unwrap_or(8080))
            }
        };
        Ok(Self { is_secure, host, port, route })
    }

    /// The same through a UNIX socket.
    pub(crate) fn through_socket(self, path: &str) -> Self {
        Self { route: Route::Unix(path.to_owned()), ..self }
    }

    /// What stands in `Host`: the port only if it is not the scheme's.
    pub(crate) fn authority(&self) -> String {
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether requests have the whole URL for a target (RFC 9112 section 3.2.2).
    pub(crate) fn wants_absolute_form(&self) -> bool {
        !self.is_secure && matches!(self.route, Route::Proxy(..))
    }

    /// Whether a tunnel through the proxy comes first.
    pub(crate) fn needs_tunnel(&self) -> bool {
        self.is_secure && matches!(self.route, Route::Proxy(..))
    }

    /// The endpoint string to dial.
    pub(crate) fn endpoint(&self) -> String {
        match &self.route {
            Route::Direct if self.is_secure => format!("tls:{}:{}", self.host, self.port),
            Route::Direct => format!("tcp:{}:{}", self.host, self.port),
            Route::Unix(path) => format!("unix:{}", escaped(path)),
            Route::Proxy(host, port) => format!("tcp:{host}:{port}"),
        }
    }
}

fn bad_url(url: &Uri, why: &str) -> Failure {
    Failure::new(FailureKind::Local, format!("the URL {url} cannot be asked for: {why}"))
}

/// As a value of an endpoint string.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, ':' | '=' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, Failure> {
        Origin::of(&url.parse().unwrap(), None)
    }

    #[test]
    fn a_url_says_where_to_dial() {
        for (url, endpoint, authority) in [
            ("http://Example.com/a", "tcp:example.com:80", "example.com"),
            ("http://example.com:8080/", "tcp:example.com:8080", "example.com:8080"),
            ("https://user:pw@example.com", "tls:example.com:443", "example.com"),
            ("http://[::1]:81/", "tcp:[::1]:81", "[::1]:81"),
        ] {
            let origin = origin(url).unwrap();
            assert_eq!(
                (origin.endpoint().as_str(), origin.authority().as_str()),
                (endpoint, authority)
            );
        }
    }

    #[test]
    fn a_proxy_is_dialled_instead() {
        let proxy: Uri = "http://proxy:3128".parse().unwrap();
        let plain = Origin::of(&"http://a/".parse().unwrap(), Some(&proxy)).unwrap();
        assert_eq!(plain.endpoint(), "tcp:proxy:3128");
        assert!(plain.wants_absolute_form() && !plain.needs_tunnel());
        let secure = Origin::of(&"https://a/".parse().unwrap(), Some(&proxy)).unwrap();
        assert!(secure.needs_tunnel() && !secure.wants_absolute_form());
    }

    #[test]
    fn what_cannot_be_asked_for_says_why() {
        let why = |url| origin(url).unwrap_err().to_string();
        assert!(why("/relative").contains("no scheme"));
        assert!(why("ftp://a/").contains("scheme"));
    }
}
