//! However a stream of requests is cut, the answers are the same; and no bytes at all make the server panic.

use proptest::prelude::*;

use crate::{served, statuses, tell, text};

const STREAM: &[u8] = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n\r\n\
    POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world\
    PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
    4;a=b\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 1\r\n\r\n\
    HEAD /d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\
    GET /e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn answers_to(pieces: &[&[u8]]) -> String {
    let server = served(tell);
    server.feed_pieces(pieces.iter().copied());
    text(&server)
}

#[test]
fn a_byte_at_a_time_is_as_good_as_all_at_once() {
    let whole = answers_to(&[STREAM]);
    assert_eq!(statuses(&whole), [200; 5]);
    let single: Vec<&[u8]> = STREAM.chunks(1).collect();
    assert_eq!(answers_to(&single), whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_answers(
        cuts in proptest::collection::btree_set(0..STREAM.len(), 0..12)
    ) {
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([STREAM.len()]) {
            pieces.push(&STREAM[from..cut]);
            from = cut;
        }
        prop_assert_eq!(answers_to(&pieces), answers_to(&[STREAM]));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let server = served(tell);
        server.feed(&bytes);
        prop_assert!(server.lost().is_none_or(|why| !why.is(ropewalk_core::FailureKind::Panic)));
    }

    #[test]
    fn no_change_of_a_good_stream_makes_it_panic_or_hang(
        at in 0..STREAM.len(), byte in any::<u8>(), cut in 1..80usize
    ) {
        let mut bytes = STREAM.to_vec();
        bytes[at] = byte;
        let server = served(tell);
        for piece in bytes.chunks(cut) {
            server.feed(piece);
        }
        server.close_peer();
        server.advance(std::time::Duration::from_secs(200));
        let lost = server.lost();
        prop_assert!(lost.as_ref().is_some_and(|why| !why.is(ropewalk_core::FailureKind::Panic)), "{lost:?}");
    }
}
