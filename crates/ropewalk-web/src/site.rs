//! [`Site`]: a tree of resources as a server.

use std::cell::Cell;
use std::rc::Rc;

use http::header::CONTENT_TYPE;
use http::{HeaderName, StatusCode};
use ropewalk_core::Failure;
use ropewalk_http::{Content, HttpFactory, HttpLimits, Responder};

use crate::error_page::error_page;
use crate::{AccessLog, Answer, Compression, FormError, Request, Resource};

/// Answers requests out of a tree of resources.
///
/// # Example
/// ```
/// use ropewalk_testing::Conversation;
/// use ropewalk_web::{Site, Tree, page};
///
/// let root = Tree::new().with_child("hello", page(|_| "Hello!"));
/// let server = Conversation::new(Site::new(root).into_factory());
/// server.feed(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
/// assert!(server.written().ends_with(b"\r\n\r\nHello!"));
/// ```
pub struct Site {
    root: Rc<dyn Resource>,
    /// What it is answered with. Default [`HttpLimits::default`].
    pub limits: HttpLimits,
    /// Where each request is noted once it has been answered. Default nowhere.
    pub log: Option<AccessLog>,
    /// Whether and what to compress. Default nothing.
    pub compression: Option<Compression>,
    /// Whether each answer says its request's number in `X-Request-Id`, so that who complains can name it. Default no.
    pub request_id_header: bool,
    /// What makes the page for a status of 400 and more that a resource gave without one. Default a plain page.
    pub error_page: Rc<dyn Fn(&Request, StatusCode) -> Content>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

struct Answering {
    site: Site,
    requests: Cell<u64>,
}

impl Site {
    /// A site with `root` at `/`.
    pub fn new(root: impl Resource) -> Self {
        Self {
            root: Rc::new(root),
            limits: HttpLimits::default(),
            log: None,
            compression: None,
            request_id_header: false,
            error_page: Rc::new(error_page),
        }
    }

    /// What to listen with.
    pub fn into_factory(self) -> HttpFactory {
        let limits = self.limits.clone();
        HttpFactory::with_limits(Answering { site: self, requests: Cell::new(0) }, limits)
    }
}

impl Responder for Answering {
    fn request_received(&self, request: ropewalk_http::Request) {
        self.requests.set(self.requests.get() + 1);
        let request = Request::new(request, self.requests.get());
        if let Some(log) = &self.site.log {
            log.follow(&request);
        }
        if self.site.request_id_header {
            request.set_header(REQUEST_ID, request.id().to_string());
        }
        if let Some(compression) = &self.site.compression {
            compression.offer(&request);
        }
        let answer = render(self.site.root.clone(), &request);
        settle(request, answer, self.site.error_page.clone());
    }
}

/// Finds the resource of a request below `root`, and has it answer.
pub(crate) fn render(root: Rc<dyn Resource>, request: &Request) -> Answer {
    let mut at = root;
    while !at.is_leaf() {
        let Some(segment) = request.next_segment() else { break };
        match at.child(&segment, request) {
            Some(child) => at = child,
            None => return Answer::Status(StatusCode::NOT_FOUND),
        }
    }
    at.render(request)
}

type ErrorPage = Rc<dyn Fn(&Request, StatusCode) -> Content>;

/// Gives the client what a resource has given.
fn settle(request: Request, answer: Answer, error_page: ErrorPage) {
    match answer {
        Answer::NotDoneYet => {}
        Answer::Content(content) => {
            if request.status() != StatusCode::NO_CONTENT {
                request.default_header(CONTENT_TYPE, HTML);
            }
            request.respond_with(content);
        }
        Answer::Response(response) => {
            if !response.headers().contains_key(CONTENT_TYPE) && !response.body().is_empty() {
                request.default_header(CONTENT_TYPE, HTML);
            }
            request.respond(response);
        }
        Answer::Status(status) => settle_status(&request, status, &error_page),
        Answer::Later(later) => {
            let answering = request.clone();
            let settled = later.add_both(move |answer| {
                settle(
                    answering.clone(),
                    answer.unwrap_or_else(|why| failed(&answering, &why)),
                    error_page,
                );
            });
            request.cancel_when_lost(settled);
        }
    }
}

pub(crate) const HTML: &str = "text/html; charset=utf-8";

fn settle_status(request: &Request, status: StatusCode, error_page: &ErrorPage) {
    request.set_status(status);
    if status.is_client_error() || status.is_server_error() {
        request.set_header(CONTENT_TYPE, HTML); // Of the page, unless that says otherwise.
        let content = error_page(request, status);
        request.respond_with(content);
    } else {
        request.finish();
    }
}

/// A resource failed: that is for the log, not for the client, unless the client's form was at fault.
fn failed(request: &Request, why: &Failure) -> Answer {
    if let Some(form) = why.check::<FormError>().filter(|_| !request.is_begun()) {
        return Answer::Status(form.status());
    }
    let (method, path) = (request.method(), request.path());
    tracing::error!(target: "ropewalk::web", "answering {method} {path}: {why}");
    if request.is_begun() {
        request.abort(why.clone());
        return Answer::NotDoneYet;
    }
    Answer::Status(StatusCode::INTERNAL_SERVER_ERROR)
}
