//! The same room with a thread for each connection, by the standard library alone: `peer-threads-chat HOST:PORT`. For
//! what such a server's memory comes to.

#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

#[derive(Default)]
struct Room {
    lines: Mutex<Vec<String>>,
    said: Condvar,
}

/// Little, but enough for what a thread does here.
const STACK_BYTES: usize = 64 << 10;
/// A form is no longer than this.
const FORM_BYTES_MAX: usize = 8 << 10;

fn main() -> io::Result<()> {
    let room = Arc::new(Room::default());
    for stream in peers::listen()?.incoming() {
        let (stream, room) = (stream?, room.clone());
        // One that fails is its client's affair.
        let serve = move || drop(serve(&stream, &room));
        thread::Builder::new().stack_size(STACK_BYTES).spawn(serve)?;
    }
    Ok(())
}

fn serve(mut stream: &TcpStream, room: &Room) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(512, stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let length = skip_fields(&mut reader)?;
        let mut form = vec![0; length.min(FORM_BYTES_MAX)];
        reader.read_exact(&mut form)?;
        let body = room.answer(&line, &String::from_utf8_lossy(&form));
        let length = body.len();
        stream.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes(),
        )?;
    }
}

/// Reads to the end of the head; gives how long the body is.
fn skip_fields(reader: &mut impl BufRead) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        let field = field.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            return Ok(length);
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}

impl Room {
    fn answer(&self, line: &str, form: &str) -> String {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if line.starts_with("POST /join") {
            return "{\"token\":\"anybody\"}".to_owned();
        }
        if line.starts_with("POST /say") {
            let text = form.split('&').find_map(|pair| pair.strip_prefix("text="));
            let number = lines.len() + 1;
            lines.push(format!("{{\"n\":{number},\"text\":\"{}\"}}", text.unwrap_or_default()));
            self.said.notify_all();
            return "{}".to_owned();
        }
        let since = line.split_once("since=").and_then(|(_, rest)| rest.split(' ').next());
        let since = since.and_then(|since| since.parse().ok()).unwrap_or(0).min(lines.len());
        while lines.len() == since {
            lines = self.said.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        format!("[{}]", lines[since..].join(","))
    }
}
