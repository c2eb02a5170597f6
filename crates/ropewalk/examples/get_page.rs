//! Prints a page: `cargo run --example get_page -- http://127.0.0.1:8080/`.

use std::io::Write;

use ropewalk::{Failure, get_page};

fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8080/".to_owned());
    ropewalk::run(|reactor| {
        let stopped = reactor.clone();
        get_page(reactor, &url)
            .add_callback(|page| Ok(std::io::stdout().write_all(&page)?))
            .add_callback(move |()| stopped.stop())
    })
}
