//! [`Request`]: a request on its way through a site.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use http::header::{LOCATION, ORIGIN};
use http::{HeaderName, StatusCode};
use percent_encoding::percent_decode_str;

use crate::{Answer, query};

/// A request to a site: a [`ropewalk_http::Request`] with how far down the tree it has come, and what was found
/// in its path.
#[derive(Clone)]
pub struct Request {
    inner: ropewalk_http::Request,
    way: Rc<Way>,
}

/// How far it has come.
#[derive(Default)]
struct Way {
    /// Bytes of the path that are used up.
    used: Cell<usize>,
    params: RefCell<Vec<(String, String)>>,
    user: RefCell<Option<String>>,
    id: Cell<u64>,
}

impl Request {
    pub(crate) fn new(inner: ropewalk_http::Request, id: u64) -> Self {
        let way = Way { id: Cell::new(id), ..Way::default() };
        Self { inner, way: Rc::new(way) }
    }

    /// Its number on this site, for logs.
    pub fn id(&self) -> u64 {
        self.way.id.get()
    }

    /// The part of the path that led to the resource, still percent-encoded.
    pub fn base(&self) -> &str {
        &self.path()[..self.way.used.get().min(self.path().len())]
    }

    /// The part of the path below the resource, still percent-encoded, without the slash before it.
    pub fn rest(&self) -> &str {
        let rest = &self.path()[self.way.used.get().min(self.path().len())..];
        rest.strip_prefix('/').unwrap_or(rest)
    }

    /// Whether the path ends behind a slash, or is used up.
    pub(crate) fn next_segment(&self) -> Option<String> {
        let rest = self.rest();
        if rest.is_empty() || !self.path().starts_with('/') {
            return None;
        }
        let segment = rest.split('/').next().unwrap_or_default();
        let used = self.path().len() - rest.len() + segment.len();
        self.way.used.set(used);
        Some(decoded(segment))
    }

    /// Marks all of the path as used, but for so many bytes at its end.
    pub(crate) fn use_path(&self, rest: usize) {
        self.way.used.set(self.path().len().saturating_sub(rest));
    }

    /// A parameter of the route that led here.
    pub fn param(&self, name: &str) -> Option<String> {
        let params = self.way.params.borrow();
        params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn set_params(&self, params: Vec<(String, String)>) {
        self.way.params.replace(params);
    }

    /// Who has been authenticated, by a resource above this one.
    pub fn user(&self) -> Option<String> {
        self.way.user.borrow().clone()
    }

    pub(crate) fn set_user(&self, user: String) {
        self.way.user.replace(Some(user));
    }

    /// The names and values of the query, decoded, in their order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        query::pairs(self.query().unwrap_or_default())
    }

    /// The first value of that name in the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let header = self.header_text("cookie")?;
        let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.trim_matches('"').to_owned())
    }

    /// Sends the client elsewhere, with 303 after anything but a `GET` and 302 else.
    pub fn redirect(&self, to: &str) -> Answer {
        let is_read = self.method().is_safe();
        let status = if is_read { StatusCode::FOUND } else { StatusCode::SEE_OTHER };
        self.redirect_with(status, to)
    }

    /// Sends the client elsewhere with a status of one's own.
    pub fn redirect_with(&self, status: StatusCode, to: &str) -> Answer {
        self.set_header(LOCATION, to);
        Answer::Status(status)
    }

    /// Whether the request comes from a page of this site, or from no page at all: what a request that changes
    /// something is to be.
    pub fn is_same_origin(&self) -> bool {
        let Some(origin) = self.header_text(ORIGIN.as_str()) else {
            let site = self.header_text("sec-fetch-site");
            return matches!(site, None | Some("same-origin" | "none"));
        };
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some_and(|host| self.authority().is_some_and(|own| own.eq_ignore_ascii_case(host)))
    }

    /// Sets a header field of the answer unless it is set already.
    pub fn default_header(&self, name: HeaderName, value: &str) {
        if self.reply_header(&name).is_none() {
            self.set_header(name, value);
        }
    }

    /// What gives it again while somebody else has it, or it is just over.
    pub(crate) fn downgrade(&self) -> impl FnOnce() -> Option<Self> + use<> {
        let (inner, way) = (self.inner.downgrade(), self.way.clone());
        move || Some(Self { inner: inner.upgrade()?, way })
    }

    /// The request as `ropewalk-http` has it.
    pub fn into_inner(self) -> ropewalk_http::Request {
        self.inner.clone()
    }
}

/// Percent-decoded; what is not UTF-8 is replaced.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Deref for Request {
    type Target = ropewalk_http::Request;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
