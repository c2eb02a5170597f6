//! A client of HTTP that is answered with any bytes, in pieces whose size the first byte says: it neither panics nor
//! hangs, and gives an answer or a failure.
#![no_main]

use std::cell::Cell;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use ropewalk_core::{ClientEndpoint, Cx, Endpoints, FailureKind, Loop, Protocol};
use ropewalk_http::Agent;
use ropewalk_testing::{MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network};

/// Says these bytes to whoever asks, and ends.
struct Says(Vec<u8>, usize);

impl Protocol for Says {
    fn data_received(&mut self, cx: &mut Cx<'_>, _: &[u8]) {
        for piece in self.0.chunks(self.1) {
            cx.transport().write(piece);
        }
        cx.transport().lose_connection();
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let (size, bytes) = (usize::from(*size).max(1), bytes.to_vec());
    let network = Network { chunk_size: size, ..Network::default() };
    let main_loop = Loop::new(MemoryDriver::new(network));
    let reactor = main_loop.reactor();
    let listening = reactor.listen(&MemoryServerEndpoint::new("a"), move || Says(bytes.clone(), size));
    drop(listening);
    let mut endpoints = Endpoints::new();
    endpoints.register_client("tcp", |description| {
        let _ = (description.take("host"), description.take("port"));
        Ok(Rc::new(MemoryClientEndpoint::new("a")) as Rc<dyn ClientEndpoint>)
    });
    let asked = Agent::new(reactor, endpoints).get("http://a/");
    let read = asked.add_callback(|response| response.collect(1 << 16));
    let panicked = Rc::new(Cell::new(false));
    let noted = panicked.clone();
    let read = read.add_both(move |result| {
        noted.set(result.is_err_and(|why| why.is(FailureKind::Panic)));
    });
    main_loop.run_until(read).expect("an answer or a failure");
    assert!(!panicked.get());
});
