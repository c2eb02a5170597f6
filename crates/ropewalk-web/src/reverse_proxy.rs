//! [`ReverseProxy`]: what another server answers (RFC 9110 section 7.6).

use std::rc::Rc;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ropewalk_core::{Address, Deferred, Failure, FailureKind};
use ropewalk_http::{Agent, Ask, Content, Response};

use crate::relay::Relay;
use crate::{Answer, Request, Resource};

/// Hands requests on to another server, and its answers back, both streamed: neither a long upload nor a long
/// download is held here.
///
/// `X-Forwarded-For`, `-Proto` and `-Host` tell the other server who asked for what; the fields that concern one
/// connection only are taken out. What the server says before its answer, such as 103 Early Hints, is handed on too. An
/// upgrade (a WebSocket, say) joins the two connections. A server that cannot be
/// reached is a 502, one that does not answer in the agent's time a 504.
pub struct ReverseProxy {
    agent: Agent,
    /// The URL that stands for the place where this resource is, or the socket and that.
    to: String,
    /// Whether the server is told the host that was asked for, and not its own. Default no.
    pub keep_host: bool,
    /// What the server is told that clients speak, in `X-Forwarded-Proto`. Default `http`.
    pub scheme: &'static str,
    /// Whether `X-Forwarded-Proto` and `-Host` that came with a request are handed on: if all clients are other
    /// proxies of one's own. Default no, since a client could say anything there.
    pub trusts_clients: bool,
}

/// Fields that concern one connection only (RFC 9110 section 7.6.1).
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

impl ReverseProxy {
    /// To `to`: `http://127.0.0.1:9000/base`, or `unix:SOCKET:PATH`. The agent is to follow no redirects, keep no
    /// cookies and decompress nothing: [`agent_options`](Self::agent_options).
    pub fn new(agent: Agent, to: &str) -> Self {
        let to = to.trim_end_matches('/').to_owned();
        Self { agent, to, keep_host: false, scheme: "http", trusts_clients: false }
    }

    /// What an agent for a proxy is made with.
    pub fn agent_options() -> ropewalk_http::AgentOptions {
        ropewalk_http::AgentOptions {
            redirects_max: 0,
            decompress: false,
            cookies: None,
            ..ropewalk_http::AgentOptions::default()
        }
    }

    fn ask(&self, request: &Request, upgrade: Option<&HeaderValue>) -> Result<Ask, Failure> {
        let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}/{}{query}", self.to, request.rest());
        let mut ask = Ask::new(request.method().clone(), &url)?;
        ask.headers = without_hops(request.headers());
        let host = ask.headers.remove(HOST);
        if self.keep_host
            && let Some(host) = &host
        {
            ask.headers.insert(HOST, host.clone());
        }
        self.tell_of_client(request, host, &mut ask.headers);
        if let Some(upgrade) = upgrade {
            ask.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            ask.headers.insert(UPGRADE, upgrade.clone());
        }
        let body = request.take_body();
        let is_nothing = body.remaining() == Some(0);
        ask.headers.remove(CONTENT_LENGTH); // It is framed anew.
        ask.headers.remove(EXPECT); // The client is told to go on when the body is first asked for.
        ask.content = if is_nothing { Content::empty() } else { body.into() };
        let client = request.clone().into_inner().downgrade();
        ask.informed = Some(Rc::new(move |status, headers| {
            // Whether to go on with a body is between each two (RFC 9110 section 10.1.1).
            if let Some(client) = client.upgrade().filter(|_| status != StatusCode::CONTINUE) {
                client.inform(status, &without_hops(headers));
            }
        }));
        Ok(ask)
    }

    fn tell_of_client(
        &self,
        request: &Request,
        host: Option<HeaderValue>,
        headers: &mut HeaderMap,
    ) {
        const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
        const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
        if let Address::Ip(address) = request.peer() {
            let before =
                headers.get(&FOR).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let separator = if before.is_empty() { "" } else { ", " };
            let all = format!("{before}{separator}{}", address.ip());
            if let Ok(value) = HeaderValue::try_from(all) {
                headers.insert(FOR, value);
            }
        }
        if !self.trusts_clients {
            headers.remove(&PROTO);
            headers.remove(&FORWARDED_HOST);
        }
        headers.entry(PROTO).or_insert(HeaderValue::from_static(self.scheme));
        if let Some(host) = host {
            headers.entry(FORWARDED_HOST).or_insert(host);
        }
    }
}

impl Resource for ReverseProxy {
    fn render(&self, request: &Request) -> Answer {
        let upgrade = wanted_upgrade(request);
        let ask = match self.ask(request, upgrade.as_ref()) {
            Ok(ask) => ask,
            Err(_) => return StatusCode::BAD_REQUEST.into(),
        };
        let asked = request.clone();
        let answer = self.agent.ask(ask).add_both(move |answer| {
            Deferred::succeed(match answer {
                Ok(response) => hand_back(&asked, response),
                Err(failure) => unreachable(&failure),
            })
        });
        Answer::Later(Box::new(answer))
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

/// What the client would like the connection to become.
fn wanted_upgrade(request: &Request) -> Option<HeaderValue> {
    let asks = request.headers().get_all(CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
        })
    });
    // Not to HTTP/2, whose requests could pass by whatever stands in front of this (RFC 9113 section 3.1).
    let is_http = |value: &&HeaderValue| {
        let value = value.as_bytes().to_ascii_lowercase();
        memchr::memmem::find(&value, b"h2").is_some()
    };
    request.headers().get(UPGRADE).filter(|value| asks && !is_http(value)).cloned()
}

/// All fields but those that concern the connection they came by, and those that `Connection` names.
fn without_hops(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for value in headers.get_all(CONNECTION) {
        for name in value.to_str().unwrap_or_default().split(',') {
            if let Ok(name) = HeaderName::try_from(name.trim()) {
                kept.remove(name);
            }
        }
    }
    for name in &HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

fn hand_back(request: &Request, response: Response) -> Answer {
    if let Some(upstream) = response.upgrade {
        let to = response.headers.get(UPGRADE).and_then(|value| value.to_str().ok());
        for (name, value) in &without_hops(&response.headers) {
            request.append_header(name.clone(), value.as_bytes());
        }
        let (ours, theirs) = Relay::pair();
        request.upgrade(to.unwrap_or_default(), ours);
        if request.status() != StatusCode::SWITCHING_PROTOCOLS {
            return StatusCode::BAD_GATEWAY.into(); // In the middle of a body there is nothing to join.
        }
        drop(upstream.switch(theirs).add_errback(|_| ())); // Lost: then the client's end is, too.
        return Answer::NotDoneYet;
    }
    let mut answer = http::Response::new(Content::from(response.body));
    *answer.status_mut() = response.status;
    *answer.headers_mut() = without_hops(&response.headers);
    answer.into()
}

fn unreachable(failure: &Failure) -> Answer {
    tracing::warn!(target: "ropewalk::web", "the server behind the proxy: {failure}");
    match failure.kind() {
        FailureKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FailureKind::Limit => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
    .into()
}
