//! [`Sasl`]: how a client proves who it is (IRCv3 sasl-3.1 and 3.2).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A way to log in to an account while registering.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sasl {
    /// By name and password, readable by whoever can read the connection: for `tls:` only (RFC 4616).
    Plain {
        /// The account.
        account: String,
        /// Its password.
        password: String,
    },
    /// By what stands below: the certificate that the client showed (RFC 4422 appendix A).
    External,
}

/// A response goes in pieces of so many characters of base64, each a line (sasl-3.1, "The AUTHENTICATE Command").
const PIECE_BYTES: usize = 400;

impl Sasl {
    /// The mechanism's name.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::External => "EXTERNAL",
        }
    }

    /// What follows `AUTHENTICATE` in each line of the answer to the server's `+`.
    pub(crate) fn response(&self) -> Vec<String> {
        match self {
            Self::Plain { account, password } => {
                pieces(format!("{account}\0{account}\0{password}").as_bytes())
            }
            Self::External => pieces(b""),
        }
    }
}

/// A last piece that is whole has an empty one after it, so that the end is seen.
fn pieces(response: &[u8]) -> Vec<String> {
    let mut rest = STANDARD.encode(response);
    let mut pieces = Vec::new();
    while rest.len() >= PIECE_BYTES {
        let after = rest.split_off(PIECE_BYTES);
        pieces.push(std::mem::replace(&mut rest, after));
    }
    pieces.push(if rest.is_empty() { "+".to_owned() } else { rest });
    pieces
}

/// Without the password.
impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { account, .. } => write!(f, "Plain({account:?})"),
            Self::External => f.write_str("External"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_goes_in_pieces_and_its_end_is_seen() {
        let lengths = |bytes: usize| -> Vec<usize> {
            pieces(&vec![b'x'; bytes]).iter().map(String::len).collect()
        };
        assert_eq!(pieces(b""), ["+"]);
        assert_eq!(lengths(1), [4]);
        assert_eq!(lengths(297), [396]);
        assert_eq!(lengths(300), [400, 1]);
        assert_eq!(lengths(301), [400, 4]);
        assert_eq!(lengths(600), [400, 400, 1]);
    }

    #[test]
    fn a_password_is_not_in_what_is_logged() {
        let plain = Sasl::Plain { account: "dan".to_owned(), password: "secret".to_owned() };
        assert_eq!(format!("{plain:?}"), "Plain(\"dan\")");
        assert_eq!(plain.response(), ["ZGFuAGRhbgBzZWNyZXQ="]);
    }
}
