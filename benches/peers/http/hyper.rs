//! What one would use otherwise: hyper on tokio's `current_thread`, a task per connection. `peer-hyper HOST:PORT`.
//!
//! It answers `/` with the bytes that all answer with, and never answers `/wait`, for counting what a long poll holds.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    Ok(runtime.block_on(async { tokio::spawn(serve()).await? })?)
}

async fn serve() -> std::io::Result<()> {
    let listener = peers::listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let tls = peers::tls::server_config()?.map(|config| TlsAcceptor::from(Arc::new(config)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let Some(tls) = tls.clone() else {
            tokio::spawn(serve_connection(stream));
            continue;
        };
        tokio::spawn(async move {
            if let Ok(stream) = tls.accept(stream).await {
                serve_connection(stream).await;
            }
        });
    }
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin) {
    // `pipeline_flush` gathers the answers to pipelined requests, which is hyper at its fastest.
    let mut http = http1::Builder::new();
    let http = http.pipeline_flush(true);
    // One that fails is its client's affair.
    let _ = http.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/wait" {
        std::future::pending::<()>().await;
    }
    Ok(Response::new(Full::new(Bytes::from_static(peers::HELLO))))
}
