//! axum on tokio's `current_thread`: `peer-axum HOST:PORT`.

#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
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
    let router = Router::new().route("/", get(async || peers::HELLO));
    if let Some(config) = peers::tls::server_config()? {
        return serve_tls(listener, router, TlsAcceptor::from(Arc::new(config))).await;
    }
    let listener = listener.tap_io(|stream| {
        // A connection without it is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

/// `axum::serve` knows no TLS; this is what its documentation shows instead.
async fn serve_tls(listener: TcpListener, router: Router, tls: TlsAcceptor) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, service) = (tls.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            if let Ok(stream) = tls.accept(stream).await {
                // One that fails is its client's affair.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}
