//! The edges of [`LineDecoder`].

use ropewalk_core::FailureKind;
use ropewalk_framing::{Delimiter, FrameDecoder, LineDecoder};

#[test]
fn a_line_that_is_whole_in_the_chunk_is_not_copied() {
    let mut decoder = LineDecoder::new();
    let chunk = b"hello\r\nworld\r\n";
    let mut rest = &chunk[..];
    let line = decoder.next_frame(&mut rest).unwrap().expect("it is whole");
    assert_eq!(line.as_ptr(), chunk.as_ptr());
    assert_eq!(rest, b"world\r\n");
}

#[test]
fn a_line_of_the_greatest_length_is_taken_and_one_byte_more_is_not() {
    for (line, taken) in
        [("abcd\r\n", true), ("abcd\n", true), ("abcde\n", false), ("abcde\r", false)]
    {
        let mut decoder = LineDecoder::new();
        decoder.line_bytes_max = 4;
        let found = decoder.next_frame(&mut line.as_bytes());
        match found {
            Ok(line) => assert_eq!((taken, line), (true, Some(&b"abcd"[..]))),
            Err(failure) => assert_eq!((taken, failure.kind()), (false, FailureKind::Limit)),
        }
    }
}

#[test]
fn only_the_whole_delimiter_ends_a_line() {
    let mut decoder = LineDecoder::with_delimiter(Delimiter::CRLF);
    let mut chunk = &b"bare\nfeed\rhere\r\n"[..];
    assert_eq!(decoder.next_frame(&mut chunk).unwrap(), Some(&b"bare\nfeed\rhere"[..]));
}

#[test]
fn a_line_that_contains_its_delimiter_is_not_sent() {
    let mut out = b"before".to_vec();
    let liberal = LineDecoder::new();
    let strict = LineDecoder::with_delimiter(Delimiter::CRLF);
    for line in [&b"a\r\nQUIT"[..], b"a\nQUIT", b"a\rQUIT"] {
        assert!(liberal.encode(line, &mut out).is_err());
    }
    assert!(strict.encode(b"a\r\nQUIT", &mut out).is_err());
    assert_eq!(out, b"before");
    strict.encode(b"a\r", &mut out).unwrap();
    assert_eq!(out, b"beforea\r\r\n");
    // "ab" + "aba" would end after its first three bytes.
    assert!(LineDecoder::with_delimiter(Delimiter::Bytes(b"aba")).encode(b"ab", &mut out).is_err());
}

#[test]
fn raw_bytes_and_lines_share_kept_bytes() {
    let mut decoder = LineDecoder::new();
    let mut chunk = &b"RAW 3\nabcdef\n"[..];
    decoder.next_frame(&mut chunk).unwrap();
    decoder.keep(chunk);
    let mut chunk = &b"last\n"[..];
    assert_eq!(decoder.raw(chunk), b"abcdef\n");
    decoder.consume_raw(&mut chunk, 3);
    assert_eq!(decoder.next_frame(&mut chunk).unwrap(), Some(&b"def"[..]));
    assert_eq!(decoder.next_frame(&mut chunk).unwrap(), Some(&b"last"[..]));
    assert_eq!((chunk, decoder.held()), (&b""[..], 0));
}

#[test]
fn a_long_line_byte_by_byte_is_not_searched_again_and_again() {
    // 4 MiB: with a search from the start for each byte this would take hours.
    let mut decoder = LineDecoder::with_delimiter(Delimiter::CRLF);
    decoder.line_bytes_max = 4 << 20;
    for _ in 0..decoder.line_bytes_max {
        assert_eq!(decoder.next_frame(&mut &b"\r"[..]).unwrap(), None);
    }
    let line = decoder.next_frame(&mut &b"\r\n"[..]).unwrap().expect("it is whole");
    assert_eq!(line.len(), 4 << 20);
}
