//! The smallest web server: `cargo run --example hello`, then `curl http://127.0.0.1:8080/`.

use ropewalk::Failure;
use ropewalk::http::{HttpFactory, Request};

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or("tcp:8080:interface=127.0.0.1".to_owned());
    ropewalk::run(|reactor| {
        let server = HttpFactory::new(|request: Request| request.finish_with("Hello, world!"));
        ropewalk::listen(reactor, &address, server)
    })
}
