//! [`Visitor`]: somebody in the room by a browser, over a network in memory.

use std::cell::Cell;

use ropewalk_chat::BrowserChat;
use ropewalk_testing::{Log, MemoryClientEndpoint, MemoryServerEndpoint, Recorder};
use ropewalk_web::Site;

use crate::evening::Evening;

/// Puts the page of the room on the evening's network.
pub(crate) fn open_page(evening: &Evening) -> BrowserChat {
    let reactor = evening.event_loop.reactor();
    let chat = BrowserChat::new(reactor, &evening.room);
    let factory = Site::new(chat.clone().into_resource()).into_factory();
    let listening = reactor.listen(&MemoryServerEndpoint::new("web"), factory);
    drop(evening.event_loop.run_until(listening).expect("the name is free"));
    chat
}

/// One request, on a connection of its own.
pub(crate) struct Asked(Log);

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Asked {
    /// What has come, if it is all of an answer.
    pub(crate) fn answer(&self) -> Option<Answered> {
        let text = self.shown();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
        let is_whole = length.parse() == Ok(body.len());
        let status = head.get(9..12)?.parse().ok()?;
        is_whole.then(|| Answered { status, body: body.to_owned() })
    }

    /// All that has come.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8(self.0.data()).expect("it is UTF-8")
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0
    }
}

/// A browser that has not come in.
pub(crate) fn ask(evening: &Evening, request: &str) -> Asked {
    let log = Log::default();
    let client = log.clone();
    let connecting = evening
        .event_loop
        .reactor()
        .connect(&MemoryClientEndpoint::new("web"), move || Recorder::new(&client));
    drop(evening.event_loop.run_until(connecting).expect("the page is served"));
    log.transport().write(request.as_bytes());
    evening.settle();
    Asked(log)
}

pub(crate) fn get(evening: &Evening, target: &str) -> Asked {
    ask(evening, &format!("GET {target} HTTP/1.1\r\nHost: room\r\n\r\n"))
}

/// Sends a form, of fields that need no encoding but for spaces; `more` are lines of the head.
pub(crate) fn post(evening: &Evening, target: &str, more: &str, form: &str) -> Answered {
    let form = form.replace(' ', "+");
    let length = form.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: room\r\n{more}Content-Length: {length}");
    ask(evening, &format!("{head}\r\n\r\n{form}")).answer().expect("it is answered at once")
}

/// Somebody who has come in.
pub(crate) struct Visitor {
    pub(crate) token: String,
    /// The number of the last event that was seen.
    pub(crate) seen: Cell<u64>,
}

impl Visitor {
    pub(crate) fn join(evening: &Evening, name: &str) -> Self {
        let answer = post(evening, "/join", "", &format!("name={name}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (_, token) = answer.body.split_once("\"token\":\"").expect("a token");
        let token = token.split('"').next().expect("it ends").to_owned();
        assert_eq!(token.len(), 32);
        Self { token, seen: Cell::new(0) }
    }

    pub(crate) fn say(&self, evening: &Evening, text: &str) -> Answered {
        post(evening, "/say", "", &format!("token={}&text={text}", self.token))
    }

    pub(crate) fn leave(&self, evening: &Evening) -> Answered {
        post(evening, "/leave", "", &format!("token={}", self.token))
    }

    /// Asks for what is behind the last that was seen.
    pub(crate) fn poll(&self, evening: &Evening) -> Asked {
        get(evening, &format!("/news?token={}&since={}", self.token, self.seen.get()))
    }

    /// Asks, and reads what it is told at once: kind, name and text of each event.
    pub(crate) fn news(&self, evening: &Evening) -> Vec<String> {
        self.read(&self.poll(evening))
    }

    /// Reads an answer to a poll; from now on its events are seen. Each number is one more than the last.
    pub(crate) fn read(&self, poll: &Asked) -> Vec<String> {
        let Answered { status, body } = poll.answer().expect("it is answered");
        assert_eq!(status, 200, "{body}");
        let events = body.strip_prefix('[').and_then(|body| body.strip_suffix(']'));
        let events = events.unwrap_or_else(|| panic!("{body} is no list"));
        events.split_inclusive('}').map(|event| self.read_event(event)).collect()
    }

    fn read_event(&self, event: &str) -> String {
        let number = self.seen.get() + 1;
        let start = format!("{{\"n\":{number},");
        let fields = event.trim_start_matches(',').strip_prefix(&start);
        let fields = fields.unwrap_or_else(|| panic!("{event} is not number {number}"));
        self.seen.set(number);
        let values = fields.split('"').skip(3).step_by(4);
        values.collect::<Vec<_>>().join(" ")
    }
}
