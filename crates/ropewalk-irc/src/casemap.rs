//! [`CaseMapping`]: which names a server takes for the same.

use std::str::FromStr;

/// Which letters a server takes for the same, as its `CASEMAPPING` says (ISUPPORT).
///
/// The mappings know ASCII only. A server that folds more (Ropewalk's own does) still gives each name one way of
/// writing in what it sends, so a client that folds less takes no two users for one.
///
/// # Example
/// ```
/// use ropewalk_irc::CaseMapping;
/// assert!(CaseMapping::Rfc1459.same("#Ropes[1]", "#ropes{1}"));
/// assert!(!CaseMapping::Ascii.same("#Ropes[1]", "#ropes{1}"));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum CaseMapping {
    /// `A` to `Z` are `a` to `z`.
    Ascii,
    /// Besides, `[]\^` are `{}|~`: Scandinavian letters of 1988. What a server means that says nothing.
    #[default]
    Rfc1459,
    /// Besides ASCII's, `[]\` are `{}|`.
    Rfc1459Strict,
}

impl CaseMapping {
    /// The name that all names stand for which are the same as `name`.
    pub fn fold(self, name: &str) -> String {
        name.chars().map(|c| self.fold_char(c)).collect()
    }

    /// Whether both are the same name.
    pub fn same(self, one: &str, other: &str) -> bool {
        let fold = |c| self.fold_char(c);
        one.chars().map(fold).eq(other.chars().map(fold))
    }

    fn fold_char(self, c: char) -> char {
        match (self, c) {
            (Self::Rfc1459, '^') => '~',
            (Self::Rfc1459 | Self::Rfc1459Strict, '[') => '{',
            (Self::Rfc1459 | Self::Rfc1459Strict, ']') => '}',
            (Self::Rfc1459 | Self::Rfc1459Strict, '\\') => '|',
            _ => c.to_ascii_lowercase(),
        }
    }
}

/// From the value of `CASEMAPPING`.
impl FromStr for CaseMapping {
    type Err = UnknownCaseMapping;

    fn from_str(word: &str) -> Result<Self, UnknownCaseMapping> {
        match word {
            "ascii" => Ok(Self::Ascii),
            "rfc1459" => Ok(Self::Rfc1459),
            "strict-rfc1459" | "rfc1459-strict" => Ok(Self::Rfc1459Strict),
            _ => Err(UnknownCaseMapping),
        }
    }
}

/// A server names a case mapping that is not one of [`CaseMapping`]'s. ASCII's is then the safe one: it takes no
/// two names for one that the server tells apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownCaseMapping;

impl std::fmt::Display for UnknownCaseMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the case mapping is none of ascii, rfc1459 and strict-rfc1459")
    }
}

impl std::error::Error for UnknownCaseMapping {}
