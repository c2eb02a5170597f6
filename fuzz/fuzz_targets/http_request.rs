//! A server of HTTP that is sent any bytes, in pieces whose size the first byte says: it neither panics nor hangs,
//! and gives a connection up in the end.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ropewalk_core::FailureKind;
use ropewalk_http::{HttpFactory, Request};
use ropewalk_testing::Conversation;

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let server = Conversation::new(HttpFactory::new(|request: Request| {
        let body = request.take_body().collect(4096);
        drop(body.add_both(move |body| {
            let _ = (request.uri(), request.headers().len(), request.authority());
            request.finish_with(body.unwrap_or_default());
        }));
    }));
    for piece in bytes.chunks(usize::from(*size).max(1)) {
        server.feed(piece);
    }
    server.close_peer();
    server.advance(Duration::from_secs(300));
    let why = server.lost().expect("a connection that says no more is lost");
    assert!(!why.is(FailureKind::Panic), "{why:?}");
});
