//! A stream gives the same frames and the same failure however it is cut, and stopping loses no byte.

use proptest::prelude::*;
use ropewalk_core::FailureKind;
use ropewalk_framing::{
    Delimiter, FixedDecoder, FrameDecoder, LengthPrefixDecoder, LineDecoder, NetstringDecoder,
    PrefixWidth,
};

type Frames = (Vec<Vec<u8>>, Option<FailureKind>);

/// All frames of the stream, cut at these places.
fn frames(mut decoder: impl FrameDecoder, stream: &[u8], cuts: &[usize]) -> (Frames, usize) {
    let mut found = Vec::new();
    for mut chunk in chunks(stream, cuts) {
        loop {
            match decoder.next_frame(&mut chunk) {
                Ok(Some(frame)) => found.push(frame.to_vec()),
                Ok(None) => break,
                Err(failure) => {
                    let again = decoder.next_frame(&mut chunk).expect_err("it does not recover");
                    assert_eq!(again.kind(), failure.kind());
                    return ((found, Some(failure.kind())), 0);
                }
            }
        }
        assert!(chunk.is_empty());
    }
    let held = decoder.held();
    ((found, None), held)
}

/// The same, keeping the rest of every chunk after each frame, and giving it all back after some frames.
fn frames_when_stopped(
    mut decoder: impl FrameDecoder,
    stream: &[u8],
    cuts: &[usize],
    frames_wanted: usize,
) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut found = Vec::new();
    let mut chunks = chunks(stream, cuts).into_iter();
    let mut chunk = &[][..];
    while found.len() < frames_wanted {
        match decoder.next_frame(&mut chunk).expect("the frames before were good") {
            Some(frame) => {
                found.push(frame.to_vec());
                if found.len() % 2 == 1 {
                    decoder.keep(std::mem::take(&mut chunk));
                }
            }
            None => chunk = chunks.next().expect("the frames are there"),
        }
    }
    let mut rest = decoder.into_rest(chunk).into_owned();
    chunks.for_each(|chunk| rest.extend_from_slice(chunk));
    (found, rest)
}

fn chunks<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.clone());
    starts.zip(ends).map(|(start, end)| &stream[start..end]).collect()
}

fn check<D: FrameDecoder + Clone>(decoder: D, stream: &[u8], cuts: &[usize]) {
    let whole = frames(decoder.clone(), stream, &[]);
    assert_eq!(frames(decoder.clone(), stream, cuts), whole, "cut at {cuts:?}");
    let every_byte: Vec<usize> = (0..stream.len()).collect();
    assert_eq!(frames(decoder.clone(), stream, &every_byte), whole, "cut at every byte");

    let ((all, _), _) = whole;
    let (_, no_frame_read) = frames_when_stopped(decoder.clone(), stream, cuts, 0);
    assert_eq!(no_frame_read, stream);
    let half = all.len() / 2;
    let (found, rest) = frames_when_stopped(decoder.clone(), stream, cuts, half);
    assert_eq!(found, all[..half]);
    let ((others, _), _) = frames(decoder, &rest, &[]);
    assert_eq!(others, all[half..], "the rest gives the rest");
}

fn line_decoders() -> impl Strategy<Value = LineDecoder> {
    let delimiters: [&'static [u8]; 4] = [b"\r\n", b"\n", b"aba", b"\0"];
    let bytes = prop::sample::select(delimiters.to_vec()).prop_map(Delimiter::Bytes);
    (prop_oneof![Just(Delimiter::CrlfOrLf), bytes], 0usize..40).prop_map(|(delimiter, max)| {
        let mut decoder = LineDecoder::with_delimiter(delimiter);
        decoder.line_bytes_max = max;
        decoder
    })
}

fn widths() -> impl Strategy<Value = PrefixWidth> {
    prop::sample::select(&[PrefixWidth::U8, PrefixWidth::U16, PrefixWidth::U32][..])
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..8)
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn lines(decoder in line_decoders(), stream in "[ab\r\n\0]{0,120}", cuts in cuts()) {
        check(decoder, stream.as_bytes(), &cuts);
    }

    #[test]
    fn encoded_lines_come_back(decoder in line_decoders(), lines in payloads(), cuts in cuts()) {
        let (mut stream, mut sent) = (Vec::new(), Vec::new());
        for line in lines {
            if line.len() <= decoder.line_bytes_max && decoder.encode(&line, &mut stream).is_ok() {
                sent.push(line);
            }
        }
        prop_assert_eq!(frames(decoder, &stream, &cuts), ((sent, None), 0));
    }

    #[test]
    fn fixed(frame_bytes in 1usize..20, stream in prop::collection::vec(any::<u8>(), 0..100), cuts in cuts()) {
        check(FixedDecoder::new(frame_bytes), &stream, &cuts);
    }

    #[test]
    fn length_prefixes(width in widths(), sent in payloads(), noise in prop::collection::vec(any::<u8>(), 0..8), cuts in cuts()) {
        let mut decoder = LengthPrefixDecoder::new(width);
        decoder.frame_bytes_max = 25;
        let mut stream = Vec::new();
        for frame in &sent {
            decoder.encode(frame, &mut stream).unwrap();
        }
        stream.extend(noise);
        check(decoder, &stream, &cuts);
    }

    #[test]
    fn netstrings(sent in payloads(), noise in "[0-9:,a]{0,8}", cuts in cuts()) {
        let mut decoder = NetstringDecoder::new();
        decoder.frame_bytes_max = 28;
        let mut stream = Vec::new();
        for frame in &sent {
            NetstringDecoder::encode(frame, &mut stream);
        }
        stream.extend(noise.bytes());
        check(decoder, &stream, &cuts);
    }

    #[test]
    fn encoded_frames_come_back(width in widths(), sent in payloads(), cuts in cuts()) {
        let decoder = LengthPrefixDecoder::new(width);
        let (mut prefixed, mut netstrings) = (Vec::new(), Vec::new());
        for frame in &sent {
            decoder.encode(frame, &mut prefixed).unwrap();
            NetstringDecoder::encode(frame, &mut netstrings);
        }
        let expected = ((sent, None), 0);
        prop_assert_eq!(&frames(decoder, &prefixed, &cuts), &expected);
        prop_assert_eq!(&frames(NetstringDecoder::new(), &netstrings, &cuts), &expected);
    }

    #[test]
    fn no_byte_panics(stream in prop::collection::vec(any::<u8>(), 0..60), cuts in cuts()) {
        frames(NetstringDecoder::new(), &stream, &cuts);
        frames(LengthPrefixDecoder::new(PrefixWidth::U32), &stream, &cuts);
        frames(LineDecoder::new(), &stream, &cuts);
    }

    /// Too long a line is passed over, and costs only itself.
    #[test]
    fn skipped_lines(stream in "[ab\r\n]{0,150}", cuts in cuts(), max in 0usize..6) {
        for (delimiter, separator) in [(Delimiter::CRLF, "\r\n"), (Delimiter::Bytes(b"\n"), "\n")] {
            let mut decoder = LineDecoder::with_delimiter(delimiter);
            decoder.line_bytes_max = max;
            let mut found = Vec::new();
            for mut chunk in chunks(stream.as_bytes(), &cuts) {
                loop {
                    match decoder.next_frame(&mut chunk) {
                        Ok(Some(line)) => found.push(line.to_vec()),
                        Ok(None) => break,
                        Err(_) => decoder.skip_line(),
                    }
                    prop_assert!(decoder.held() <= max + separator.len());
                }
            }
            let mut lines: Vec<&str> = stream.split(separator).collect();
            lines.pop(); // It has no end.
            let short = lines.into_iter().filter(|line| line.len() <= max);
            prop_assert_eq!(found, short.map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
