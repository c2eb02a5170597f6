//! The target of a request: its four forms (RFC 9112 section 3.2), and `Host`.

use http::Method;

use crate::HttpError;

/// Whether `target` has a form that goes with `method`, and `host` agrees with it.
pub(crate) fn check(method: &Method, target: &str, host: Option<&[u8]>) -> Result<(), HttpError> {
    // Visible ASCII; a fragment never leaves a client.
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(HttpError::Target);
    }
    if let Some(host) = host
        && !is_authority(host)
    {
        return Err(HttpError::Host);
    }
    if *method == Method::CONNECT {
        return check_connect(target, host);
    }
    if target.starts_with('/') || (target == "*" && *method == Method::OPTIONS) {
        return Ok(());
    }
    let Some(authority) = absolute_authority(target) else { return Err(HttpError::Target) };
    if authority.is_empty() || !is_authority(authority.as_bytes()) {
        return Err(HttpError::Target);
    }
    // RFC 9112 section 3.2.2 would have a server ignore Host here; that two that follow each other may not
    // both do so is a way to smuggle.
    if host.is_some_and(|host| !host.eq_ignore_ascii_case(authority.as_bytes())) {
        return Err(HttpError::HostMismatch);
    }
    Ok(())
}

fn check_connect(target: &str, host: Option<&[u8]>) -> Result<(), HttpError> {
    let port = target.rsplit_once(':').map(|(name, port)| (name, port.parse::<u16>()));
    match port {
        Some((name, Ok(_))) if !name.is_empty() && is_authority(target.as_bytes()) => {}
        _ => return Err(HttpError::Target),
    }
    // Host may leave out the port here (RFC 9112 section 3.2.3 has both alike; clients differ).
    let name = target.rsplit_once(':').map_or(target, |(name, _)| name);
    let agrees = |host: &[u8]| {
        host.eq_ignore_ascii_case(target.as_bytes()) || host.eq_ignore_ascii_case(name.as_bytes())
    };
    if host.is_some_and(|host| !agrees(host)) { Err(HttpError::HostMismatch) } else { Ok(()) }
}

/// What stands between `scheme://` and the path, for the schemes of HTTP.
pub(crate) fn absolute_authority(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return None; // Whatever its query has.
    }
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    rest.split(['/', '?']).next()
}

/// The path of a target with its query, as origin-form has it: `/` for an absolute-form without a path.
pub(crate) fn path_and_query(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    match target.split_once("://") {
        Some((_, rest)) => match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('/') => &rest[at..],
            _ => "/",
        },
        None => target,
    }
}

/// The bytes of a registered name (RFC 3986 section 3.2.2). Each request has a `Host`, so this is a table.
const HOST_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~%!$&'()*+,;=";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// `host [":" port]`, where a host is a name, an address, or an IPv6 address in brackets; empty is allowed
/// (RFC 9110 section 7.2). User information is not.
fn is_authority(text: &[u8]) -> bool {
    let port = if let [b'[', literal @ ..] = text {
        let is_literal = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let end = literal.iter().position(|byte| !is_literal(byte));
        let Some((b']', port)) = end.and_then(|end| literal[end..].split_first()) else {
            return false;
        };
        port
    } else {
        let end = text.iter().position(|byte| !HOST_BYTES[usize::from(*byte)]);
        &text[end.unwrap_or(text.len())..]
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_its_forms() {
        let ok = |method: &str, target, host: &str| {
            check(&Method::from_bytes(method.as_bytes()).unwrap(), target, Some(host.as_bytes()))
        };
        assert_eq!(ok("GET", "/a?b", "x"), Ok(()));
        assert_eq!(ok("GET", "http://x:8/a", "x:8"), Ok(()));
        assert_eq!(ok("GET", "http://x", "X"), Ok(()));
        assert_eq!(ok("OPTIONS", "*", "x"), Ok(()));
        assert_eq!(ok("CONNECT", "x:443", "x"), Ok(()));
        assert_eq!(ok("CONNECT", "[::1]:443", "[::1]:443"), Ok(()));
        for (method, target) in [
            ("GET", "*"),
            ("GET", "a"),
            ("GET", "x:443"),
            ("GET", "ftp://x/"),
            ("GET", "http:///a"),
            ("GET", "http://user@x/"),
            ("GET", "/a#b"),
            ("CONNECT", "/"),
            ("CONNECT", "x"),
            ("CONNECT", ":443"),
            ("CONNECT", "x:99999"),
        ] {
            assert_eq!(ok(method, target, "x"), Err(HttpError::Target), "{method} {target}");
        }
        assert_eq!(ok("GET", "http://y/", "x"), Err(HttpError::HostMismatch));
        assert_eq!(ok("CONNECT", "y:1", "x"), Err(HttpError::HostMismatch));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in ["", "a", "a.b:80", "127.0.0.1:8", "[::1]", "[::1]:80", "a:", "_x"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in ["a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "[x]", "a:123456", "a\\b", "a,b c"]
        {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_path_is_found_in_both_forms() {
        assert_eq!(path_and_query("/a?b"), "/a?b");
        assert_eq!(path_and_query("http://x/a?b"), "/a?b");
        assert_eq!(path_and_query("http://x"), "/");
        assert_eq!(path_and_query("*"), "*");
    }
}
