//! `application/x-www-form-urlencoded`: queries, and the simpler kind of forms.

use percent_encoding::percent_decode;

/// The names and values of `text`, in their order. What is not UTF-8 is replaced; a name without `=` has an
/// empty value.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let expected = [("a", "1 2"), ("b", ""), ("c&", "=é"), ("a", "3")];
        let found = pairs("a=1+2&b&c%26==%C3%A9&&a=3");
        assert!(found.iter().map(|(n, v)| (n.as_str(), v.as_str())).eq(expected));
        assert!(pairs("").is_empty());
        assert_eq!(pairs("%=%zz")[0], ("%".to_owned(), "%zz".to_owned()));
    }
}
