//! [`BrowserChat`]: the room as a web page.
//!
//! The page is HTML, a style and a script, all in the program. It sends with one request and waits for news with
//! another, which is answered when something happens: long polling, which needs nothing but HTTP. Thousands may
//! wait; each costs some hundred bytes.
//!
//! | request | what |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /join` `name` | into the room; gives a token, which is the member from then on |
//! | `GET /news?token&since` | what happened after the event of that number; waits until something has |
//! | `GET /events?token&since` | the same as server-sent events |
//! | `POST /say` `token`, `text` | says a line, or does what a command says |
//! | `POST /leave` `token` | leaves |

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, FailureKind, LoopingCall, Reactor};
use ropewalk_http::{HeaderName, StatusCode, header};
use ropewalk_web::{Answer, Request, Resource, Router, page, query};

use crate::browser_form::{fields, quoted};
use crate::browser_member::BrowserMember;
use crate::{Name, Parting, Room, RoomError};

/// A room's page and its requests, as one resource. A clone is the same.
#[derive(Clone)]
pub struct BrowserChat(Rc<State>);

struct State {
    room: Room,
    members: RefCell<HashMap<String, BrowserMember>>,
    /// Looks after those who have gone without a word.
    sweeping: RefCell<Option<LoopingCall>>,
}

/// Bytes of what a page sends at once, encoded: a message in which every byte takes three, and a token.
const BODY_BYTES_MAX: usize = 8 << 10;
const SWEEP_EVERY: Duration = Duration::from_secs(5);

const PAGE: &str = include_str!("page/chat.html");
const STYLE: &str = include_str!("page/chat.css");
const SCRIPT: &str = include_str!("page/chat.js");

impl BrowserChat {
    /// The page of `room`.
    pub fn new(reactor: &Reactor, room: &Room) -> Self {
        let members = RefCell::default();
        let chat =
            Self(Rc::new(State { room: room.clone(), members, sweeping: RefCell::default() }));
        let (weak, clock) = (Rc::downgrade(&chat.0), reactor.clone());
        let sweeping = LoopingCall::new(reactor, move || {
            if let Some(state) = weak.upgrade() {
                state.sweep(&clock);
            }
        });
        drop(sweeping.start(SWEEP_EVERY, false).add_errback(|_| ())); // It ends with the chat.
        chat.0.sweeping.replace(Some(sweeping));
        chat
    }

    /// How many are in the room by a browser.
    pub fn members(&self) -> usize {
        self.0.members.borrow().len()
    }

    /// What to put into a site.
    pub fn into_resource(self) -> impl Resource {
        let fixed = |kind: &'static str, text: &'static str| {
            page(move |request: &Request| {
                request.set_header(header::CONTENT_TYPE, kind);
                guard(request);
                text
            })
        };
        let (join, news, events, say, leave) =
            (self.clone(), self.clone(), self.clone(), self.clone(), self);
        Router::new()
            .get("/", fixed("text/html; charset=utf-8", PAGE))
            .get("/chat.css", fixed("text/css; charset=utf-8", STYLE))
            .get("/chat.js", fixed("text/javascript; charset=utf-8", SCRIPT))
            .post("/join", page(move |request: &Request| join.0.posted(request, State::join)))
            .post("/say", page(move |request: &Request| say.0.posted(request, State::say)))
            .post("/leave", page(move |request: &Request| leave.0.posted(request, State::leave)))
            .get("/news", page(move |request: &Request| news.0.news(request)))
            .get("/events", page(move |request: &Request| events.0.events(request)))
    }
}

/// What keeps a page to itself: nothing from elsewhere is loaded, and nobody frames it.
fn guard(request: &Request) {
    const POLICY: HeaderName = header::CONTENT_SECURITY_POLICY;
    request.set_header(
        POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    );
    request.set_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    request.set_header(header::REFERRER_POLICY, "no-referrer");
}

type Pairs = Vec<(String, String)>;

fn value<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// An object of JSON, not to be kept by anybody on the way.
fn json(request: &Request, status: StatusCode, inside: &str) -> Answer {
    request.set_header(header::CONTENT_TYPE, "application/json");
    request.set_header(header::CACHE_CONTROL, "no-store");
    (status, format!("{{{inside}}}")).into()
}

fn refusal(request: &Request, error: RoomError) -> Answer {
    let status = match error {
        RoomError::NotAMember => StatusCode::GONE,
        RoomError::NameTaken => StatusCode::CONFLICT,
        RoomError::TooFast | RoomError::Flooding => StatusCode::TOO_MANY_REQUESTS,
        RoomError::Full | RoomError::Busy | RoomError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    json(request, status, &fields(&[("error", &error.to_string())]))
}

impl State {
    /// What a page of ours has sent: nobody else's page may.
    fn posted(
        self: &Rc<Self>,
        request: &Request,
        done: fn(&Rc<Self>, &Request, &Pairs) -> Answer,
    ) -> Answer {
        if !request.is_same_origin() {
            return StatusCode::FORBIDDEN.into();
        }
        let (state, asked) = (self.clone(), request.clone());
        let body = request.take_body().collect(BODY_BYTES_MAX);
        body.add_both(move |body| {
            Deferred::succeed(match body {
                Ok(body) => done(&state, &asked, &query::pairs(&String::from_utf8_lossy(&body))),
                Err(why) if why.is(FailureKind::Limit) => StatusCode::PAYLOAD_TOO_LARGE.into(),
                Err(_) => StatusCode::BAD_REQUEST.into(),
            })
        })
        .into()
    }

    fn join(self: &Rc<Self>, request: &Request, pairs: &Pairs) -> Answer {
        let now = request.transport().reactor().now();
        let token = match new_token() {
            Ok(token) => token,
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into(),
        };
        match BrowserMember::join(&self.room, value(pairs, "name").trim(), now) {
            Err(error) => refusal(request, error),
            Ok(member) => {
                let name = member.name().map(|name| name.as_str().to_owned()).unwrap_or_default();
                self.members.borrow_mut().insert(token.clone(), member);
                let own = fields(&[("token", &token), ("name", &name)]);
                let who: Vec<String> =
                    self.room.who().iter().map(|name: &Name| quoted(name.as_str())).collect();
                json(request, StatusCode::OK, &format!("{own},\"who\":[{}]", who.join(",")))
            }
        }
    }

    fn say(self: &Rc<Self>, request: &Request, pairs: &Pairs) -> Answer {
        let now = request.transport().reactor().now();
        let done = match self.member(value(pairs, "token")) {
            None => Err(RoomError::NotAMember),
            Some(member) => member.run(now, value(pairs, "text")),
        };
        match done {
            Ok(note) => {
                json(request, StatusCode::OK, &fields(&[("note", &note.unwrap_or_default())]))
            }
            Err(error) => refusal(request, error),
        }
    }

    fn leave(self: &Rc<Self>, request: &Request, pairs: &Pairs) -> Answer {
        let member = self.members.borrow_mut().remove(value(pairs, "token"));
        if let Some(member) = member {
            member.leave(Parting::Quit);
        }
        json(request, StatusCode::OK, "")
    }

    fn news(&self, request: &Request) -> Answer {
        let Some((member, since)) = self.asking(request) else {
            return refusal(request, RoomError::NotAMember);
        };
        request.set_header(header::CONTENT_TYPE, "application/json");
        request.set_header(header::CACHE_CONTROL, "no-store");
        match member.poll(request, since, request.transport().reactor().now()) {
            Ok(()) => Answer::NotDoneYet,
            Err(error) => refusal(request, error),
        }
    }

    fn events(&self, request: &Request) -> Answer {
        let Some((member, since)) = self.asking(request) else {
            return refusal(request, RoomError::NotAMember);
        };
        match member.stream(request, since) {
            Ok(()) => Answer::NotDoneYet,
            Err(error) => refusal(request, error),
        }
    }

    /// Who asks for news, and what was seen last.
    fn asking(&self, request: &Request) -> Option<(BrowserMember, u64)> {
        let member = self.member(&request.query_value("token")?)?;
        let since = request.query_value("since").and_then(|since| since.parse().ok());
        Some((member, since.unwrap_or(0)))
    }

    /// The member that a token stands for. One that has left may have something to fetch until it is swept out.
    fn member(&self, token: &str) -> Option<BrowserMember> {
        self.members.borrow().get(token).cloned()
    }

    fn sweep(&self, reactor: &Reactor) {
        let all: Vec<(String, BrowserMember)> = self
            .members
            .borrow()
            .iter()
            .map(|(token, member)| (token.clone(), member.clone()))
            .collect();
        for (token, member) in all {
            if !member.stays(reactor.now()) {
                self.members.borrow_mut().remove(&token);
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(sweeping) = self.sweeping.take().filter(LoopingCall::running) {
            sweeping.stop();
        }
    }
}

/// What nobody can guess: 128 bits.
fn new_token() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(FailureKind::System, format!("the system has no random numbers: {error}"))
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
