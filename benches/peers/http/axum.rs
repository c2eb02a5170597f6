//! axum on tokio's `current_thread`: `peer-axum HOST:PORT`.

#![forbid(unsafe_code)]

use std::error::Error;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    Ok(runtime.block_on(async { tokio::spawn(serve()).await? })?)
}

async fn serve() -> std::io::Result<()> {
    let listener = peers::listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?.tap_io(|stream| {
        // A connection without it is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/", get(async || peers::HELLO));
    axum::serve(listener, router).await
}
