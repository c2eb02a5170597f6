//! The peer that one would use otherwise: tokio's `current_thread` runtime, a task per connection.
//!
//! The echo is that of tokio's own README, with its buffer of 1,024 bytes, and `TCP_NODELAY` as everywhere here.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a program of the terminal")]

use std::error::Error;

use benches::options::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::of_process();
    let port: u16 = options.take("--port")?.unwrap_or(0);
    options.finish()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    Ok(runtime.block_on(serve(port))?)
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
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
