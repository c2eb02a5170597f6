//! [`Inflate`]: takes the compression off a body while it is read (RFC 9110 section 8.4.1).
//!
//! A few bytes can stand for megabytes. So the compressed pieces wait in the body's queue, and are decompressed
//! when the reader asks, a bounded piece at a time.

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use ropewalk_core::{Failure, FailureKind};

pub(crate) struct Inflate {
    stream: Decompress,
    input: Bytes,
    is_done: bool,
    /// The last piece was filled to its end: what did not fit is in the stream.
    may_hold: bool,
    is_gzip: bool,
    /// `deflate` means zlib, but some servers send it without its header.
    may_be_raw: bool,
}

/// What a member of gzip begins with (RFC 1952 section 2.3.1).
const GZIP_FIRST_BYTE: u8 = 0x1f;
/// Bytes of a decompressed piece.
const PIECE_BYTES: usize = 32 << 10;

impl Inflate {
    /// For a `Content-Encoding`, if it is one that is known.
    pub(crate) fn for_coding(coding: &[u8]) -> Option<Self> {
        let (stream, may_be_raw) = match coding.trim_ascii() {
            coding if coding.eq_ignore_ascii_case(b"gzip") => (Decompress::new_gzip(15), false),
            coding if coding.eq_ignore_ascii_case(b"x-gzip") => (Decompress::new_gzip(15), false),
            coding if coding.eq_ignore_ascii_case(b"deflate") => (Decompress::new(true), true),
            _ => return None,
        };
        let is_gzip = !may_be_raw;
        Some(Self {
            stream,
            input: Bytes::new(),
            is_done: false,
            may_hold: false,
            is_gzip,
            may_be_raw,
        })
    }

    /// The next piece; `None` if it needs more input. `more` gives the next compressed piece that is there.
    pub(crate) fn next(
        &mut self,
        mut more: impl FnMut() -> Option<Bytes>,
    ) -> Result<Option<Bytes>, Failure> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        while piece.is_empty() {
            if self.input.is_empty() && !self.may_hold {
                match more() {
                    Some(input) => self.input = input,
                    None => return Ok(None),
                }
            }
            if self.is_done && !self.begin_member() {
                self.input.clear(); // What stands behind the end, as padding does, is nobody's.
                continue;
            }
            self.step(&mut piece)?;
        }
        Ok(Some(piece.into()))
    }

    /// Members of gzip may follow each other (RFC 1952 section 2.2): `true` if another begins here.
    fn begin_member(&mut self) -> bool {
        let begins = self.is_gzip && self.input.first() == Some(&GZIP_FIRST_BYTE);
        if begins {
            self.stream = Decompress::new_gzip(15);
            self.is_done = false;
        }
        begins
    }

    fn step(&mut self, piece: &mut Vec<u8>) -> Result<(), Failure> {
        let before = self.stream.total_in();
        match self.stream.decompress_vec(&self.input, piece, FlushDecompress::None) {
            Ok(status) => {
                self.may_be_raw = false;
                let used = self.stream.total_in() - before;
                self.input.advance(usize::try_from(used).unwrap_or(self.input.len()));
                self.is_done = status == Status::StreamEnd;
                self.may_hold = piece.len() == piece.capacity() && !self.is_done;
                let is_stuck =
                    used == 0 && piece.is_empty() && !self.input.is_empty() && !self.is_done;
                if is_stuck { Err(broken("it makes no progress")) } else { Ok(()) }
            }
            Err(_) if self.may_be_raw => {
                self.may_be_raw = false;
                self.stream = Decompress::new(false);
                Ok(())
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// The compressed bytes have ended.
    pub(crate) fn end(&self) -> Result<(), Failure> {
        let is_nothing = self.stream.total_in() == 0;
        if self.is_done || is_nothing { Ok(()) } else { Err(broken("it breaks off")) }
    }
}

fn broken(why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Peer, format!("the body's compression is broken: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn compressed(text: &[u8], zlib: bool) -> Bytes {
        let mut out = Vec::with_capacity(text.len() + 1000);
        let mut stream = Compress::new(Compression::default(), zlib);
        stream.compress_vec(text, &mut out, FlushCompress::Finish).unwrap();
        out.into()
    }

    fn inflate(coding: &[u8], mut pieces: Vec<Bytes>) -> Result<Vec<u8>, Failure> {
        let mut inflate = Inflate::for_coding(coding).unwrap();
        let mut all = Vec::new();
        pieces.reverse();
        while let Some(piece) = inflate.next(|| pieces.pop())? {
            assert!(piece.len() <= PIECE_BYTES);
            all.extend_from_slice(&piece);
        }
        inflate.end()?;
        Ok(all)
    }

    #[test]
    fn deflate_is_taken_with_and_without_its_header_and_in_any_pieces() {
        let text = b"hello ".repeat(100_000);
        for zlib in [true, false] {
            let whole = compressed(&text, zlib);
            assert_eq!(inflate(b"deflate", vec![whole.clone()]).unwrap(), text);
            let bytes = whole.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
            if zlib {
                assert_eq!(inflate(b"deflate", bytes).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_fills_a_piece_to_its_end_is_not_left_in_the_stream() {
        // Without a trailer behind it, the last of what is compressed may be taken in before it is given out.
        for len in (PIECE_BYTES - 300..PIECE_BYTES + 300).chain([2 * PIECE_BYTES]) {
            let text = vec![b'x'; len];
            let read = inflate(b"deflate", vec![compressed(&text, false)]);
            assert_eq!(read.unwrap().len(), len);
        }
    }

    #[test]
    fn what_is_broken_or_breaks_off_is_an_error() {
        let whole = compressed(b"hello", true);
        assert!(inflate(b"deflate", vec![whole.slice(..whole.len() - 1)]).is_err());
        assert!(inflate(b"gzip", vec![Bytes::from_static(b"not compressed at all")]).is_err());
        assert!(inflate(b"gzip", vec![]).unwrap().is_empty());
    }
}
