//! The server's protocol over a network in memory and in virtual time: what it answers, what it refuses, and
//! how long it waits.

mod agent;
mod answers;
mod bodies;
mod interleavings;
mod leaks;
mod malformed;
mod pipelines;
mod splits;
mod timeouts;
mod upgrades;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_http::{HttpFactory, HttpLimits, Request, Responder};
use ropewalk_testing::Conversation;

/// The moment that RFC 9110 has in its examples.
fn a_sunday() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

fn served(responder: impl Responder) -> Conversation<HttpFactory> {
    served_with(HttpLimits::default(), responder)
}

fn served_with(limits: HttpLimits, responder: impl Responder) -> Conversation<HttpFactory> {
    Conversation::new(HttpFactory::with_wall_clock(responder, limits, a_sunday))
}

/// Says what was asked, and how long the body was.
fn tell(request: Request) {
    let line = format!("{} {}", request.method(), request.target());
    let body = request.take_body().collect(1 << 20);
    drop(body.add_both(move |body| match body {
        Ok(body) => request.finish_with(format!("{line} {}", body.len())),
        Err(failure) => request.finish_with(format!("{line} {failure}")),
    }));
}

fn text(conversation: &Conversation<HttpFactory>) -> String {
    String::from_utf8(conversation.written()).expect("answers in these tests are text")
}

/// The statuses of all answers, and the last body.
fn statuses(written: &str) -> Vec<u16> {
    let lines = written.match_indices("HTTP/1.1 ");
    lines.filter_map(|(at, prefix)| written[at + prefix.len()..].get(..3)?.parse().ok()).collect()
}

/// Requests that the responder keeps instead of answering.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<Request>>>);

impl Kept {
    fn keeping(&self) -> impl Fn(Request) + use<> {
        let kept = self.clone();
        move |request| kept.0.borrow_mut().push(request)
    }

    fn take(&self) -> Request {
        self.0.borrow_mut().remove(0)
    }

    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}
