//! [`BrowserChat`]: the rooms as a web page.
//!
//! The page is HTML, a style and scripts, all in the program. It sends with one request and waits for news with
//! another, which is answered when something happens: long polling, which needs nothing but HTTP. Thousands may
//! wait; each costs some hundred bytes.
//!
//! | request | what |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /join` `name` | into the lobby; gives a token, which is the person from then on |
//! | `GET /news?since` | what happened after the event of that number; waits until something has |
//! | `GET /events?since` | the same as server-sent events |
//! | `POST /say` `room`, `text`, `line` | says a line there, or does what a command says; once for each number `line` |
//! | `POST /typing` `to`, `how` | that one types: `active`, `paused`, `done` |
//! | `GET /history?room&before` | what was said there before the message of that id |
//! | `GET /rooms` | which rooms there are |
//! | `GET /whole` | one's rooms, as they are now |
//! | `POST /leave` `token`, `soon` | leaves; with `soon=yes`, unless the page is there again within some seconds |
//!
//! All but the first two have the token in a field of their head, `Chat-Token`: what stands in a URL is written to logs.
//! A page that goes away has its last word by a beacon, which has no such fields; so `/leave` takes it in its body.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, FailureKind, LoopingCall, Reactor, Time};
use ropewalk_http::{HeaderName, StatusCode, header};
use ropewalk_irc::network::Refusal;
use ropewalk_web::{Answer, Request, Resource, Router, page, query};
use serde_json::{Value, json};

use crate::browser_form;
use crate::browser_member::{BrowserMember, Line};
use crate::token::{NoToken, Token};
use crate::{Chat, page_files};

/// The rooms' page and its requests, as one resource. A clone is the same.
///
/// A browser comes by many connections, and all of them have to find the one person that it is. So of several threads
/// that share a port, only one may have this.
#[derive(Clone)]
pub struct BrowserChat(Rc<State>);

struct State {
    chat: Chat,
    members: RefCell<HashSet<BrowserMember>>,
    /// Looks after those who have gone without a word.
    sweeping: RefCell<Option<LoopingCall>>,
}

/// Bytes of what a page sends at once, encoded: a message in which every byte takes three, and what goes with it.
const BODY_BYTES_MAX: usize = 8 << 10;
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Messages on a page of the past, if nobody says how many.
const PAST_DEFAULT: usize = 50;

impl BrowserChat {
    /// The page of `chat`'s rooms.
    pub fn new(reactor: &Reactor, chat: &Chat) -> Self {
        let members = RefCell::default();
        let chat =
            Self(Rc::new(State { chat: chat.clone(), members, sweeping: RefCell::default() }));
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

    /// How many are there by a browser.
    pub fn members(&self) -> usize {
        self.0.members.borrow().len()
    }

    /// What to put into a site.
    pub fn into_resource(self) -> impl Resource {
        let mut router = Router::new();
        for file in page_files::ALL {
            router = router.get(file.path, page(move |request: &Request| file.show(request)));
        }
        let posts: [(&str, Posted); 4] = [
            ("/join", State::join),
            ("/say", State::say),
            ("/typing", State::typing),
            ("/leave", State::leave),
        ];
        for (path, done) in posts {
            let state = self.0.clone();
            router = router.post(path, page(move |request: &Request| state.posted(request, done)));
        }
        let gets: [(&str, Asked); 5] = [
            ("/news", State::news),
            ("/events", State::events),
            ("/history", State::history),
            ("/rooms", State::rooms),
            ("/whole", State::whole),
        ];
        for (path, done) in gets {
            let state = self.0.clone();
            router = router.get(path, page(move |request: &Request| state.asked(request, done)));
        }
        router
    }
}

/// What is done with a form that was posted.
type Posted = fn(&State, &Request, &Form) -> Result<Value, Refusal>;
/// What is answered to a member.
type Asked = fn(&BrowserMember, &Request, Time) -> Result<Answer, Refusal>;

/// The names and values of what a page sent.
struct Form(Vec<(String, String)>);

impl Form {
    fn value(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const TOKEN: HeaderName = HeaderName::from_static("chat-token");

impl State {
    /// What a page of ours has sent: nobody else's page may.
    fn posted(self: &Rc<Self>, request: &Request, done: Posted) -> Answer {
        if !request.is_same_origin() {
            return StatusCode::FORBIDDEN.into();
        }
        let (state, asked) = (self.clone(), request.clone());
        let body = request.take_body().collect(BODY_BYTES_MAX);
        body.add_both(move |body| {
            Deferred::succeed(match body {
                Ok(body) => {
                    let form = Form(query::pairs(&String::from_utf8_lossy(&body)));
                    answer(&asked, done(&state, &asked, &form))
                }
                Err(why) if why.is(FailureKind::Limit) => StatusCode::PAYLOAD_TOO_LARGE.into(),
                Err(_) => StatusCode::BAD_REQUEST.into(),
            })
        })
        .into()
    }

    /// What is asked by somebody who is there.
    fn asked(&self, request: &Request, done: Asked) -> Answer {
        let now = request.transport().reactor().now();
        let token = request.header_text(TOKEN.as_str()).unwrap_or_default();
        let answered = self.member(token).and_then(|member| done(&member, request, now));
        answered.unwrap_or_else(|why| refusal(request, why))
    }

    fn join(&self, request: &Request, form: &Form) -> Result<Value, Refusal> {
        let transport = request.transport();
        let Ok(token) = Token::random() else { return Err(Refusal::Busy) };
        let network = self.chat.server().network();
        let host = network.hidden_host(&transport.peer(), "browser");
        let (name, now) = (form.value("name").trim(), transport.reactor().now());
        let member = BrowserMember::join(&self.chat, token, name, host, now)?;
        let name = member.name()?;
        self.members.borrow_mut().insert(member);
        Ok(json!({"token": token.to_string(), "name": name}))
    }

    fn say(&self, request: &Request, form: &Form) -> Result<Value, Refusal> {
        let line = Line {
            room: form.find("room").filter(|room| !room.is_empty()),
            number: form.value("line").parse().ok(),
            text: form.value("text"),
        };
        self.sender(request, form)?.run(request.transport().reactor().now(), &line)
    }

    fn typing(&self, request: &Request, form: &Form) -> Result<Value, Refusal> {
        let now = request.transport().reactor().now();
        self.sender(request, form)?.type_in(now, form.value("to"), form.value("how"))?;
        Ok(json!({}))
    }

    fn leave(&self, request: &Request, form: &Form) -> Result<Value, Refusal> {
        let token = token(request, form);
        if form.value("soon") == "yes" {
            let now = request.transport().reactor().now();
            self.member(&token)?.leave_soon(now);
            return Ok(json!({}));
        }
        let token = token.parse::<Token>().ok();
        let member = token.and_then(|token| self.members.borrow_mut().take(&token));
        if let Some(member) = member {
            member.leave("quit");
        }
        Ok(json!({}))
    }

    fn news(member: &BrowserMember, request: &Request, now: Time) -> Result<Answer, Refusal> {
        member.poll(request, since(request), now)?;
        Ok(Answer::NotDoneYet)
    }

    fn events(member: &BrowserMember, request: &Request, _: Time) -> Result<Answer, Refusal> {
        member.stream(request, since(request))?;
        Ok(Answer::NotDoneYet)
    }

    fn history(member: &BrowserMember, request: &Request, now: Time) -> Result<Answer, Refusal> {
        let room = request.query_value("room").unwrap_or_default();
        let before = request.query_value("before").filter(|before| !before.is_empty());
        let count = request.query_value("count").and_then(|count| count.parse().ok());
        let past = member.past(now, &room, before.as_deref(), count.unwrap_or(PAST_DEFAULT))?;
        let asked = request.clone();
        let shown = past.add_both(move |past| {
            Deferred::succeed(match past {
                Ok(past) => {
                    let past: Vec<Value> = past.iter().map(browser_form::past).collect();
                    show(&asked, StatusCode::OK, &json!({"past": past}))
                }
                Err(why) if why.is(FailureKind::Local) => refusal(&asked, Refusal::NoSuchMessage),
                Err(why) => {
                    tracing::error!(target: "ropewalk::chat", "{why}");
                    let error = json!({"error": "the past cannot be read"});
                    show(&asked, StatusCode::SERVICE_UNAVAILABLE, &error)
                }
            })
        });
        Ok(shown.into())
    }

    fn rooms(member: &BrowserMember, request: &Request, now: Time) -> Result<Answer, Refusal> {
        Ok(show(request, StatusCode::OK, &member.rooms(now)?))
    }

    fn whole(member: &BrowserMember, request: &Request, now: Time) -> Result<Answer, Refusal> {
        Ok(show(request, StatusCode::OK, &member.whole(now)?))
    }

    /// Who has sent something.
    fn sender(&self, request: &Request, form: &Form) -> Result<BrowserMember, Refusal> {
        self.member(&token(request, form))
    }

    /// Whom a token stands for. One who has left may have something to fetch until they are swept out.
    fn member(&self, token: &str) -> Result<BrowserMember, Refusal> {
        let token: Token = token.parse().map_err(|NoToken| Refusal::NotConnected)?;
        self.members.borrow().get(&token).cloned().ok_or(Refusal::NotConnected)
    }

    fn sweep(&self, reactor: &Reactor) {
        let all: Vec<BrowserMember> = self.members.borrow().iter().cloned().collect();
        for member in all {
            if !member.stays(reactor.now()) {
                self.members.borrow_mut().remove(&member);
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

fn token(request: &Request, form: &Form) -> String {
    request.header_text(TOKEN.as_str()).unwrap_or_else(|| form.value("token")).to_owned()
}

/// The number of the last event that was seen.
fn since(request: &Request) -> u64 {
    request.query_value("since").and_then(|since| since.parse().ok()).unwrap_or(0)
}

/// Not to be kept by anybody on the way.
pub(crate) fn prepare(request: &ropewalk_http::Request) {
    request.set_header(header::CONTENT_TYPE, "application/json");
    request.set_header(header::CACHE_CONTROL, "no-store");
    request.set_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
}

fn show(request: &Request, status: StatusCode, value: &Value) -> Answer {
    prepare(request);
    (status, value.to_string()).into()
}

fn answer(request: &Request, done: Result<Value, Refusal>) -> Answer {
    match done {
        Ok(value) => show(request, StatusCode::OK, &value),
        Err(why) => refusal(request, why),
    }
}

fn refusal(request: &Request, why: Refusal) -> Answer {
    let status = match why {
        Refusal::NotConnected => StatusCode::GONE,
        Refusal::NickTaken => StatusCode::CONFLICT,
        Refusal::TooFast | Refusal::Flooding => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Full | Refusal::Busy | Refusal::Closed => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    show(request, status, &json!({"error": why.to_string()}))
}
