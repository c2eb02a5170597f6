//! A runtime over io_uring with `async` on top: compio, a task per connection.
//!
//! As its own examples echo: one buffer for a connection's life, handed to the system and back. (monoio, the
//! other one, has not followed its own dependencies for two of their releases.)

#![forbid(unsafe_code)]

use std::error::Error;
use std::io;

use compio::BufResult;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{Runtime, spawn};

fn main() -> Result<(), Box<dyn Error>> {
    Ok(Runtime::new()?.block_on(serve())?)
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::from_std(peers::listen()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn(echo(stream)).detach();
    }
}

/// Echoes until the connection is lost, either way.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(1024);
    loop {
        let BufResult(count, filled) = stream.read(buffer).await;
        if count? == 0 {
            return Ok(());
        }
        let BufResult(written, mut spent) = stream.write_all(filled).await;
        written?;
        spent.clear();
        buffer = spent;
    }
}
