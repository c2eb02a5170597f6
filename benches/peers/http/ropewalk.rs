//! Ours: `examples/hello.rs` with a driver to choose and `/wait`, which is kept. `peer-ropewalk HOST:PORT [DRIVER]`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "programs of the terminal")]

use std::cell::RefCell;

use ropewalk::http::{HttpFactory, Request};
use ropewalk::{Failure, net};

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let address = words.next().unwrap_or("127.0.0.1:0".to_owned());
    let driver = words.next();
    let (host, port) = address.rsplit_once(':').unwrap_or(("127.0.0.1", &address));
    let main_loop = net::new_loop(driver.as_deref())?;
    let waiting = RefCell::new(Vec::new());
    let server = HttpFactory::new(move |request: Request| {
        if request.path() == "/wait" {
            return waiting.borrow_mut().push(request);
        }
        request.finish_with(peers::HELLO);
    });
    let endpoint = match (std::env::var("PEER_CERTIFICATE"), std::env::var("PEER_KEY")) {
        (Ok(cert), Ok(key)) => format!("tls:{port}:interface={host}:cert={cert}:key={key}"),
        _ => format!("tcp:{port}:interface={host}"),
    };
    let port = main_loop.run_until(ropewalk::listen(main_loop.reactor(), &endpoint, server))?;
    println!("listening on {}", port.host());
    main_loop.run()
}
