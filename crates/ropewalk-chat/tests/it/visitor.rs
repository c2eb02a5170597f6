//! [`Visitor`]: somebody who is there by a browser, over a network in memory.

use std::cell::Cell;

use ropewalk_chat::BrowserChat;
use ropewalk_core::Transport;
use ropewalk_testing::{Log, MemoryClientEndpoint, MemoryServerEndpoint, Recorder};
use ropewalk_web::Site;
use serde_json::Value;

use crate::evening::Evening;

/// Puts the page of the chat on the evening's network.
pub(crate) fn open_page(evening: &Evening) -> BrowserChat {
    let reactor = evening.event_loop.reactor();
    let chat = BrowserChat::new(reactor, &evening.chat);
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

    /// Its connection's, if that is still there.
    pub(crate) fn transport(&self) -> Option<Transport> {
        self.0.lost().is_none().then(|| self.0.transport())
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
    /// Comes in, and sees the lobby.
    pub(crate) fn join(evening: &Evening, name: &str) -> Self {
        let visitor = Self::enter(evening, name);
        let first = visitor.news(evening);
        assert!(first[0].starts_with("room #lobby "), "{first:?}");
        visitor
    }

    /// Comes in, and has seen nothing.
    pub(crate) fn enter(evening: &Evening, name: &str) -> Self {
        let answer = post(evening, "/join", "", &format!("name={name}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        assert_eq!(token.len(), 32);
        Self { token, seen: Cell::new(0) }
    }

    fn head(&self) -> String {
        format!("Chat-Token: {}\r\n", self.token)
    }

    /// Says something in the lobby.
    pub(crate) fn say(&self, evening: &Evening, text: &str) -> Answered {
        self.say_in(evening, "%23lobby", text)
    }

    pub(crate) fn say_in(&self, evening: &Evening, room: &str, text: &str) -> Answered {
        self.post(evening, "/say", &format!("room={room}&text={text}"))
    }

    pub(crate) fn post(&self, evening: &Evening, target: &str, form: &str) -> Answered {
        post(evening, target, &self.head(), form)
    }

    pub(crate) fn get(&self, evening: &Evening, target: &str) -> Asked {
        self.get_with(evening, target, "")
    }

    /// With more lines of the head.
    pub(crate) fn get_with(&self, evening: &Evening, target: &str, more: &str) -> Asked {
        let head = self.head();
        ask(evening, &format!("GET {target} HTTP/1.1\r\nHost: room\r\n{head}{more}\r\n"))
    }

    pub(crate) fn leave(&self, evening: &Evening) -> Answered {
        self.post(evening, "/leave", "")
    }

    /// Asks for what is behind the last that was seen.
    pub(crate) fn poll(&self, evening: &Evening) -> Asked {
        self.get(evening, &format!("/news?since={}", self.seen.get()))
    }

    /// Asks, and reads what it is told at once.
    pub(crate) fn news(&self, evening: &Evening) -> Vec<String> {
        self.read(&self.poll(evening))
    }

    /// Reads an answer to a poll; from now on its events are seen. Each number is one more than the last.
    pub(crate) fn read(&self, poll: &Asked) -> Vec<String> {
        let answer = poll.answer().expect("it is answered");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let events = answer.json();
        let events = events.as_array().expect("a list");
        events.iter().map(|event| self.read_event(event)).collect()
    }

    fn read_event(&self, event: &Value) -> String {
        let number = self.seen.get() + 1;
        assert_eq!(event["n"].as_u64(), Some(number), "{event}");
        self.seen.set(number);
        in_words(event)
    }
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Kind, name and text of an event, and what else there is to it; not when it was.
pub(crate) fn in_words(event: &Value) -> String {
    let mut words = Vec::new();
    for field in ["kind", "room", "name", "to", "who", "text"] {
        match &event[field] {
            Value::String(text) => words.push(text.clone()),
            Value::Array(people) => {
                words.extend(
                    people.iter().map(|one| one["name"].as_str().unwrap_or("?").to_owned()),
                );
            }
            _ => {}
        }
    }
    words.retain(|word| word != "#lobby" || words_of_room(event));
    words.join(" ")
}

/// The lobby is what is meant, if nothing is said.
fn words_of_room(event: &Value) -> bool {
    event["kind"] == "room"
}
