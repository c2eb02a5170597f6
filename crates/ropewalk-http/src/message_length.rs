//! [`MessageLength`]: how long a message's body is, by its header fields (RFC 9112 section 6).
//!
//! This is where requests are smuggled: two servers in a row that disagree on where a message ends. So every
//! ambiguity is an error here, also those that the RFC would let one resolve.

use crate::HttpError;

/// How the end of a body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MessageLength {
    /// So many bytes, perhaps none.
    Bytes(u64),
    Chunked,
    /// All that comes until the connection ends. Responses only.
    UntilClose,
}

/// What the fields of one head say of it, gathered one by one.
#[derive(Default)]
pub(crate) struct LengthFields {
    content_length: Option<u64>,
    chunked: bool,
}

impl LengthFields {
    /// A `Content-Length`. A second one is refused, even if it says the same.
    pub(crate) fn content_length(&mut self, value: &[u8]) -> Result<(), HttpError> {
        let number = parse_decimal(value).ok_or(HttpError::ContentLength)?;
        match self.content_length.replace(number) {
            None => Ok(()),
            Some(_) => Err(HttpError::ContentLength),
        }
    }

    /// A `Transfer-Encoding`. Only `chunked` is known, and it may be there once.
    pub(crate) fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HttpError> {
        let codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        for coding in codings.filter(|coding| !coding.is_empty()) {
            if self.chunked {
                return Err(HttpError::TransferEncoding); // Something behind chunked, or chunked twice.
            }
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(HttpError::UnknownCoding);
            }
            self.chunked = true;
        }
        if self.chunked { Ok(()) } else { Err(HttpError::TransferEncoding) }
    }

    /// What the fields come to; `None` if they say nothing.
    pub(crate) fn length(&self) -> Result<Option<MessageLength>, HttpError> {
        match (self.content_length, self.chunked) {
            (Some(_), true) => Err(HttpError::BothLengths),
            (None, true) => Ok(Some(MessageLength::Chunked)),
            (Some(bytes), false) => Ok(Some(MessageLength::Bytes(bytes))),
            (None, false) => Ok(None),
        }
    }
}

/// Digits and nothing else, that fit.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_digits_only() {
        for bad in ["", "+5", "-1", "5 5", "5,5", "0x5", "5.0", "18446744073709551616"] {
            assert_eq!(parse_decimal(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(parse_decimal(b"0018446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let mut twice = LengthFields::default();
        twice.content_length(b"5").unwrap();
        assert_eq!(twice.content_length(b"5"), Err(HttpError::ContentLength));
        let mut both = LengthFields::default();
        both.content_length(b"5").unwrap();
        both.transfer_encoding(b"chunked").unwrap();
        assert_eq!(both.length(), Err(HttpError::BothLengths));
        for (value, error) in [
            ("chunked, chunked", HttpError::TransferEncoding),
            ("chunked, gzip", HttpError::TransferEncoding),
            ("gzip, chunked", HttpError::UnknownCoding),
            ("xchunked", HttpError::UnknownCoding),
            ("", HttpError::TransferEncoding),
            ("\u{b}chunked", HttpError::UnknownCoding),
        ] {
            let mut fields = LengthFields::default();
            assert_eq!(fields.transfer_encoding(value.as_bytes()), Err(error), "{value:?}");
        }
    }
}
