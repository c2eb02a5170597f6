//! What one would use otherwise: hyper on tokio's `current_thread`, a task per connection. `peer-hyper HOST:PORT`.
//!
//! It answers `/` with the bytes that all answer with, and never answers `/wait`, for counting what a long poll holds.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    Ok(runtime.block_on(async { tokio::spawn(serve()).await? })?)
}

async fn serve() -> std::io::Result<()> {
    let listener = peers::listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(answer);
        // `pipeline_flush` gathers the answers to pipelined requests, which is hyper at its fastest.
        let mut http = http1::Builder::new();
        let connection = http.pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/wait" {
        std::future::pending::<()>().await;
    }
    Ok(Response::new(Full::new(Bytes::from_static(peers::HELLO))))
}
