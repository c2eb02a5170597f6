//! The peer that one would use otherwise: tokio, a task per connection. `peer-tokio HOST:PORT [THREADS]`.
//!
//! With one thread it is the `current_thread` runtime, with more the one that steals work. The echo is that of
//! tokio's own README, with its buffer of 1,024 bytes, and `TCP_NODELAY` as everywhere here.

#![forbid(unsafe_code)]

use std::error::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let threads = std::env::args().nth(2).map_or(Ok(1), |word| word.parse())?;
    let mut runtime = if threads == 1 {
        Builder::new_current_thread()
    } else {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    let runtime = runtime.enable_io().build()?;
    // Accepting is a task as well: what is run by `block_on` itself has no worker.
    Ok(runtime.block_on(async { tokio::spawn(serve()).await? })?)
}

async fn serve() -> std::io::Result<()> {
    let listener = peers::listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

/// Echoes until the connection is lost, either way.
async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
