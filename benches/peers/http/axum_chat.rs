//! A room by long polling as one would write it on axum, for the bench of the chat: `peer-axum-chat HOST:PORT`.
//!
//! It has what the bench asks for of Ropewalk's own page, and no more: `POST /join`, `GET /news?since` with the token
//! in `Chat-Token`, `POST /say`. Everybody is in one room; what was said is kept in one list for all, and a poll waits
//! on a `watch` channel.

#![forbid(unsafe_code)]

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Lines that are kept for those who poll again.
const LINES_MAX: usize = 500;
const POLL_TIMEOUT: Duration = Duration::from_secs(45);

struct Room {
    book: Mutex<Book>,
    /// The number of the last line.
    last: watch::Sender<u64>,
}

#[derive(Default)]
struct Book {
    tokens: HashSet<String>,
    lines: VecDeque<(u64, String)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async { tokio::spawn(serve()).await? })?)
}

async fn serve() -> std::io::Result<()> {
    let listener = peers::listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?.tap_io(|stream| {
        // A connection without it is slower, not wrong.
        let _ = stream.set_nodelay(true);
    });
    let room = Arc::new(Room { book: Mutex::default(), last: watch::Sender::new(0) });
    let router = Router::new()
        .route("/join", post(join))
        .route("/say", post(say))
        .route("/news", get(news))
        .with_state(room);
    axum::serve(listener, router).await
}

async fn join(State(room): State<Arc<Room>>) -> impl IntoResponse {
    let mut book = room.book.lock().unwrap_or_else(PoisonError::into_inner);
    let token = format!("{:032x}", book.tokens.len());
    book.tokens.insert(token.clone());
    json(format!("{{\"token\":\"{token}\"}}"))
}

async fn say(State(room): State<Arc<Room>>, RawForm(form): RawForm) -> impl IntoResponse {
    let form = String::from_utf8_lossy(&form).into_owned();
    let text = form.split('&').find_map(|pair| pair.strip_prefix("text=")).unwrap_or_default();
    let mut book = room.book.lock().unwrap_or_else(PoisonError::into_inner);
    let number = *room.last.borrow() + 1;
    book.lines.push_back((
        number,
        format!("{{\"n\":{number},\"kind\":\"said\",\"name\":\"speaker\",\"text\":\"{text}\"}}"),
    ));
    if book.lines.len() > LINES_MAX {
        book.lines.pop_front();
    }
    drop(book);
    room.last.send_replace(number);
    json("{}".to_owned())
}

async fn news(
    State(room): State<Arc<Room>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, StatusCode> {
    let token = headers.get("chat-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    let is_known = |book: &Book| book.tokens.contains(token);
    if !is_known(&room.book.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Err(StatusCode::GONE);
    }
    let since = query.as_deref().and_then(|query| query.strip_prefix("since=")?.parse().ok());
    let mut last = room.last.subscribe();
    let since = since.unwrap_or(0).min(*last.borrow());
    // Nothing in time is an answer, too.
    let _ = tokio::time::timeout(POLL_TIMEOUT, last.wait_for(|last| *last > since)).await;
    let book = room.book.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = book.lines.iter().filter(|(number, _)| *number > since);
    let lines: Vec<&str> = lines.map(|(_, line)| line.as_str()).collect();
    Ok(json(format!("[{}]", lines.join(","))))
}

fn json(body: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], body)
}
