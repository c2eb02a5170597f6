//! An axum router on Ropewalk, with no tokio: `cargo run --example axum_router`, then
//! `curl http://127.0.0.1:8080/hello/you`.

use axum::extract::Path;
use axum::routing::get;
use ropewalk::Failure;
use ropewalk::web::{Site, TowerResource};

fn main() -> Result<(), Failure> {
    let address = std::env::args().nth(1).unwrap_or("tcp:8080:interface=127.0.0.1".to_owned());
    let router = axum::Router::new()
        .route("/", get(async || "an axum router on Ropewalk\n"))
        .route("/hello/{name}", get(async |Path(name): Path<String>| format!("Hello, {name}!\n")));
    ropewalk::run(|reactor| {
        let site = Site::new(TowerResource::new(router));
        ropewalk::listen(reactor, &address, site.into_factory())
    })
}
