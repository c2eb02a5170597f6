//! [`Token`]: what a browser shows to be who it is.

use std::fmt;
use std::str::FromStr;

use ropewalk_core::{Failure, FailureKind};

/// What nobody can guess: 128 bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token([u8; 16]);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// `System` if the system has no random numbers.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            let why = format!("the system has no random numbers: {error}");
            Failure::new(FailureKind::System, why)
        })?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is no token.
pub(crate) struct NoToken;

impl FromStr for Token {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        let is_written_so = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number =
            u128::from_str_radix(text, 16).ok().filter(|_| is_written_so && text.len() == 32);
        number.map(|number| Self(number.to_be_bytes())).ok_or(NoToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let token = Token::random().expect("there is randomness");
        assert!(token.to_string().parse::<Token>().is_ok_and(|same| same == token));
        assert_ne!(token.to_string(), Token::random().expect("more").to_string());
        for text in
            ["", "0", "+f", &"f".repeat(33), &"F".repeat(32), &format!("+{}", "0".repeat(31))]
        {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }
}
