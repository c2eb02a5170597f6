//! What the environment says of proxies: `http_proxy`, `https_proxy`, `all_proxy`, and `no_proxy` of what is not
//! asked through one. Nobody has standardised them; this reads them as curl does.

use std::net::IpAddr;

/// The proxy for `url`, if there is to be one. `variable` looks into the environment.
pub(crate) fn proxy_for(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let lookup = |name: &str| {
        // In a CGI program HTTP_PROXY is what the client says in `Proxy`.
        let upper = name.to_ascii_uppercase();
        let found = variable(name).or_else(|| variable(&upper).filter(|_| name != "http_proxy"));
        found.filter(|value| !value.is_empty())
    };
    let (scheme, rest) = url.split_once("://")?;
    let excepted = lookup("no_proxy").unwrap_or_default();
    if is_excepted(host_of(rest), &excepted) {
        return None;
    }
    lookup(&format!("{scheme}_proxy")).or_else(|| lookup("all_proxy"))
}

/// The host of what stands behind `scheme://`; an address of IPv6 without its brackets.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return address;
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether a list of names, addresses and networks has `host`; a name stands for all that end with it, too.
fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.trim_end_matches('.');
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.trim_matches(['[', ']']);
        match address {
            _ if entry == "*" => true,
            Some(address) => is_in_network(address, entry),
            None => is_below(host, entry.trim_start_matches("*.").trim_matches('.')),
        }
    })
}

fn is_below(host: &str, name: &str) -> bool {
    let Some(at) = host.len().checked_sub(name.len()) else { return false };
    let ends = host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(name));
    ends && !name.is_empty() && (at == 0 || host.as_bytes()[at - 1] == b'.')
}

/// Whether `address` is `network`, or in it: `10.0.0.0/8`.
fn is_in_network(address: IpAddr, network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        None => (network, None),
        Some((base, length)) => (base, Some(length)),
    };
    let Ok(base) = base.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    let (bits, other, width) = match (address, base) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits().into(), other.to_bits().into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let length = length.map_or(Ok(width), str::parse::<u32>);
    length.is_ok_and(|length| {
        // A shift by all bits is none that a number knows.
        length <= width && (bits ^ other).checked_shr(width - length).unwrap_or(0) == 0u128
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn a_proxy_is_for_its_scheme_or_for_all() {
        let said = environment(&[("http_proxy", "http://p:1"), ("ALL_PROXY", "http://q:2")]);
        assert_eq!(proxy_for("http://a/", &said).as_deref(), Some("http://p:1"));
        assert_eq!(proxy_for("https://a/", &said).as_deref(), Some("http://q:2"));
        let forged = environment(&[("HTTP_PROXY", "http://evil:1")]);
        assert_eq!(proxy_for("http://a/", forged), None);
    }

    #[test]
    fn what_is_excepted_is_asked_directly() {
        for (list, host, excepted) in [
            ("*", "any.where", true),
            ("", "a", false),
            ("example.com", "example.com", true),
            ("example.com", "www.Example.com", true),
            (".example.com", "example.com", true),
            ("*.example.com", "www.example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com:80", "example.com", false),
            ("a, b c", "c", true),
            ("é", "x\u{301}é", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "7.0.0.1", false),
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("0:0::1", "::1", true),
            ("fd00::/8", "fd12::7", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "1.2.3.4", false),
        ] {
            assert_eq!(is_excepted(host, list), excepted, "{host} by {list:?}");
        }
    }

    #[test]
    fn a_host_stands_between_the_user_and_the_port() {
        for (rest, host) in [
            ("a", "a"),
            ("a:80/x", "a"),
            ("u:p@a:80?x@y", "a"),
            ("[::1]:81/", "::1"),
            ("u@[fe80::1]", "fe80::1"),
        ] {
            assert_eq!(host_of(rest), host);
        }
    }
}
