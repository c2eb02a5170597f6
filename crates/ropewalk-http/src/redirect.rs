//! Where a redirect leads, and what is asked for there (RFC 9110 section 15.4; RFC 3986 section 5).

use http::{Method, StatusCode, Uri};

/// The method that follows a redirect; `None` if the status is no redirect to be followed.
///
/// A `POST` that is answered with 301 or 302 becomes a `GET`, as browsers have always had it; 303 means that;
/// 307 and 308 change nothing.
pub(crate) fn method_after(status: StatusCode, method: &Method) -> Option<Method> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if *method == Method::POST => {
            Some(Method::GET)
        }
        StatusCode::SEE_OTHER if *method != Method::HEAD => Some(Method::GET),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some(method.clone()),
        _ => None,
    }
}

/// The absolute URL that `location` means in an answer of `base`; `None` if it means none.
pub(crate) fn resolve(base: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    if has_scheme(location) {
        return location.parse::<Uri>().ok().filter(|url| url.scheme().is_some());
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{scheme}://{rest}").parse().ok();
    }
    let path = merged(base, location);
    format!("{scheme}://{authority}{path}").parse().ok()
}

fn has_scheme(location: &str) -> bool {
    let word = location.split(':').next().unwrap_or_default();
    word.len() < location.len()
        && word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The path and query of a relative reference.
fn merged(base: &Uri, location: &str) -> String {
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (location, None),
    };
    let query = match (path, query) {
        ("", None) => base.query(),
        (_, query) => query,
    };
    let path = match path {
        "" => base.path().to_owned(),
        path if path.starts_with('/') => without_dots(path),
        path => {
            let directory = base.path().rfind('/').map_or("/", |at| &base.path()[..=at]);
            without_dots(&format!("{directory}{path}"))
        }
    };
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_in_rfc_3986_section_5_4() {
        let base: Uri = "http://a/b/c/d;p?q".parse().unwrap();
        for (location, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("https://h:8/i", "https://h:8/i"),
        ] {
            assert_eq!(resolve(&base, location).unwrap().to_string(), url, "{location:?}");
        }
        assert_eq!(resolve(&base, "mailto:x"), None);
    }

    #[test]
    fn a_post_becomes_a_get_where_browsers_make_it_one() {
        let after = |code, method| method_after(StatusCode::from_u16(code).unwrap(), &method);
        assert_eq!(after(302, Method::POST), Some(Method::GET));
        assert_eq!(after(302, Method::PUT), Some(Method::PUT));
        assert_eq!(after(303, Method::PUT), Some(Method::GET));
        assert_eq!(after(303, Method::HEAD), Some(Method::HEAD));
        assert_eq!(after(308, Method::POST), Some(Method::POST));
        assert_eq!(after(304, Method::GET), None);
        assert_eq!(after(200, Method::GET), None);
    }
}
