//! [`Agent`]: a client that asks for URLs.
//!
//! It is a handle over a pool of connections. A request is a task: it waits for a connection, sends, follows
//! redirects, and asks once more where a connection out of the pool turns out to be dead.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_LOCATION, CONTENT_TYPE, COOKIE, EXPECT, HOST, LOCATION, PROXY_AUTHORIZATION, RANGE,
    SET_COOKIE, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use ropewalk_core::{Deferred, Endpoints, Failure, FailureKind, ProtocolRef, Reactor, Transport};

use crate::client::{ClientProtocol, Informed, Order};
use crate::content::Kind;
use crate::cookie_jar::CookieJar;
use crate::encode::put_field;
use crate::origin::Origin;
use crate::pool::{Place, Pool, PoolLimits, Seat};
use crate::redirect::{method_after, resolve};
use crate::{Content, HttpError, HttpLimits, Response};

/// How an [`Agent`] asks.
#[derive(Clone)]
pub struct AgentOptions {
    /// What an answer may be.
    pub limits: HttpLimits,
    /// What may be open.
    pub pool: PoolLimits,
    /// For a connection to come up, with its name found and its handshake done. Default 30 s.
    pub connect_timeout: Duration,
    /// From a request that is sent to the head of its answer; a request that is still being sent is looked at again
    /// after as long. Default 60 s.
    pub head_timeout: Duration,
    /// How long the body of a request with `Expect: 100-continue` waits to be asked for; then it is sent all the
    /// same, since many servers never ask (RFC 9110 section 10.1.1). Default 1 s, as Go and curl.
    pub continue_timeout: Duration,
    /// Without a byte of a body that is being read. Default 60 s.
    pub read_timeout: Duration,
    /// For all of it to the head of the answer, redirects and waiting for a connection included. Default none.
    pub total_timeout: Option<Duration>,
    /// Redirects that are followed; one more is a failure. Default 10; with 0 a redirect is the answer.
    pub redirects_max: usize,
    /// Whether to ask for compressed bodies and decompress them. Default yes.
    pub decompress: bool,
    /// The cookies to send and to keep. Default none.
    pub cookies: Option<CookieJar>,
    /// A forward proxy, `http://[user:password@]host:port`, for everything but UNIX sockets. Default none.
    pub proxy: Option<Uri>,
    /// `User-Agent`, unless a request has its own. Default `ropewalk/` and the version.
    pub user_agent: String,
    /// What puts TLS on a connection that was tunnelled through a proxy. Default none: `https:` through a proxy
    /// then fails.
    pub start_tls: Option<Rc<dyn StartTls>>,
}

/// Puts TLS on a connection that is up.
pub trait StartTls: 'static {
    /// Fires when the handshake with `server_name` is done, and what is written from then on is encrypted.
    fn start_tls(&self, transport: &Transport, server_name: &str) -> Deferred<()>;
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            limits: HttpLimits::default(),
            pool: PoolLimits::default(),
            connect_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(60),
            continue_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(60),
            total_timeout: None,
            redirects_max: 10,
            decompress: true,
            cookies: None,
            proxy: None,
            user_agent: concat!("ropewalk/", env!("CARGO_PKG_VERSION")).to_owned(),
            start_tls: None,
        }
    }
}

/// A client of HTTP/1.1: asks for URLs over a pool of connections. A clone is the same agent.
///
/// # Errors
/// A status is no failure: an answer of 404 is an answer. What fails is a URL that cannot be asked for (`Local`),
/// a connection that does not come up, an answer that breaks the rules or breaks off (`Peer`), a limit, a
/// timeout.
///
/// # Cancellation
/// Cancelling a request loses its connection.
#[derive(Clone)]
pub struct Agent(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    endpoints: Endpoints,
    options: AgentOptions,
    limits: Rc<HttpLimits>,
    pool: Rc<Pool>,
}

/// One request that an [`Agent`] is to make.
pub struct Ask {
    /// The method. Default `GET`.
    pub method: Method,
    /// The absolute URL: `http:` or `https:`. User and password in it become basic authentication.
    pub url: Uri,
    /// Header fields, which stand before those that the agent adds. `Content-Length` and `Transfer-Encoding` among
    /// them are ignored: how a body is framed is not the caller's business.
    pub headers: HeaderMap,
    /// The body. One that is streamed is sent once: a redirect that wants it again is given as the answer.
    pub content: Content,
    /// The path of a UNIX socket to ask through, whatever the URL's host.
    pub socket: Option<String>,
    /// Called with each informational answer that comes before the answer, such as 103 Early Hints (RFC 8297).
    pub informed: Option<Informed>,
}

impl Ask {
    /// A request without a body, of an absolute URL, or of `unix:SOCKET:PATH`: what `PATH` is over a UNIX socket,
    /// as nginx writes it.
    ///
    /// # Errors
    /// If `url` is no URL.
    pub fn new(method: Method, url: &str) -> Result<Self, Failure> {
        if let Some((socket, path)) = url.strip_prefix("unix:").map(split_socket) {
            let ask = Self::new(method, &format!("http://localhost{path}"))?;
            return Ok(Self { socket: Some(socket.to_owned()), ..ask });
        }
        let parsed: Result<Uri, _> = url.parse();
        let url = parsed.map_err(|error| {
            Failure::new(FailureKind::Local, format!("{url:?} is no URL: {error}"))
        })?;
        let (headers, content) = (HeaderMap::new(), Content::empty());
        Ok(Self { method, url, headers, content, socket: None, informed: None })
    }
}

/// Fields that are often set.
impl Ask {
    /// With a user and a password (RFC 7617), in place of those in the URL. A redirect to another origin is asked
    /// without them.
    ///
    /// # Errors
    /// `Local` if the user has a colon, which would be the end of it.
    pub fn with_basic_auth(mut self, user: &str, password: &str) -> Result<Self, Failure> {
        if user.contains(':') {
            return Err(Failure::new(
                FailureKind::Local,
                "a user of basic authentication has no colon",
            ));
        }
        let value = HeaderValue::try_from(basic(&format!("{user}:{password}")))
            .map_err(|error| Failure::from_error(FailureKind::Local, error))?;
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }
}

/// The socket's path and the URL's.
fn split_socket(text: &str) -> (&str, &str) {
    match text.find(":/") {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, "/"),
    }
}

impl<C: Into<Content>> From<http::Request<C>> for Ask {
    fn from(request: http::Request<C>) -> Self {
        let (head, content) = request.into_parts();
        Self {
            method: head.method,
            url: head.uri,
            headers: head.headers,
            content: content.into(),
            socket: None,
            informed: None,
        }
    }
}

impl Agent {
    /// An agent that dials what `endpoints` knows by `tcp:`, `tls:` and `unix:`.
    pub fn new(reactor: &Reactor, endpoints: Endpoints) -> Self {
        Self::with_options(reactor, endpoints, AgentOptions::default())
    }

    /// The same, with options of one's own.
    pub fn with_options(reactor: &Reactor, endpoints: Endpoints, options: AgentOptions) -> Self {
        let (limits, pool) = (Rc::new(options.limits.clone()), Pool::new(options.pool));
        Self(Rc::new(Inner { reactor: reactor.clone(), endpoints, options, limits, pool }))
    }

    /// Asks for a URL. Fires with the head of the answer; the body streams.
    pub fn get(&self, url: &str) -> Deferred<Response> {
        Ask::new(Method::GET, url).map_or_else(Deferred::fail, |ask| self.ask(ask))
    }

    /// Sends a request: an [`Ask`], or an [`http::Request`]. Fires with the head of the answer; the body streams.
    pub fn ask(&self, ask: impl Into<Ask>) -> Deferred<Response> {
        let asked = self.0.reactor.spawn(follow(self.0.clone(), ask.into()));
        match self.0.options.total_timeout {
            Some(total) => asked.add_timeout(&self.0.reactor, total),
            None => asked,
        }
    }
}

/// Asks, and asks where the answer sends one, until there is an answer to keep.
async fn follow(agent: Rc<Inner>, mut ask: Ask) -> Result<Response, Failure> {
    for _ in 0..=agent.options.redirects_max {
        let again = agent.repeatable(&ask);
        let what = format!("{} {}", ask.method, without_secrets(&ask.url));
        let mut response =
            agent.once(&ask_parts(&ask), ask.content).await.map_err(|why| why.context(what))?;
        response.url = ask.url.clone();
        agent.keep_cookies(&response);
        if agent.options.redirects_max == 0 {
            return Ok(response);
        }
        if response.status == StatusCode::EXPECTATION_FAILED
            && let (Some(content), true) = (&again, ask.headers.remove(EXPECT).is_some())
        {
            ask.content = content.clone().into();
            continue; // Once more without (RFC 9110 section 10.1.1).
        }
        let next = agent.next_url(&response, &ask.method);
        let Some((method, url)) = next else { return Ok(response) };
        let content = match again {
            _ if method != ask.method => Content::empty(),
            Some(content) => content.into(),
            None => return Ok(response),
        };
        let mut headers = ask.headers;
        if method != ask.method {
            // They are of a body that is not sent again (RFC 9110 section 15.4).
            for field in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION] {
                headers.remove(field);
            }
        }
        if Origin::of(&url, None)? != Origin::of(&ask.url, None)? {
            for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST] {
                headers.remove(secret);
            }
        }
        ask = Ask { method, url, headers, content, ..ask };
    }
    let why = format!("more than {} redirects (redirects_max)", agent.options.redirects_max);
    Err(Failure::new(FailureKind::Limit, why))
}

/// All of a request but its body.
struct Parts {
    method: Method,
    url: Uri,
    headers: HeaderMap,
    socket: Option<String>,
    informed: Option<Informed>,
}

fn ask_parts(ask: &Ask) -> Parts {
    Parts {
        method: ask.method.clone(),
        url: ask.url.clone(),
        headers: ask.headers.clone(),
        socket: ask.socket.clone(),
        informed: ask.informed.clone(),
    }
}

fn without_secrets(url: &Uri) -> String {
    let host = url.authority().map_or("", |authority| {
        authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host)
    });
    format!("{}://{host}{}", url.scheme_str().unwrap_or_default(), url.path())
}

impl Inner {
    /// The body, if it can be sent a second time.
    fn repeatable(&self, ask: &Ask) -> Option<Bytes> {
        match &ask.content.0 {
            Kind::Bytes(bytes) => Some(bytes.clone()),
            Kind::Stream(_) => None,
        }
    }

    fn next_url(&self, response: &Response, method: &Method) -> Option<(Method, Uri)> {
        let method = method_after(response.status, method)?;
        let location = response.header(LOCATION.as_str())?;
        Some((method, resolve(&response.url, location)?))
    }

    fn keep_cookies(&self, response: &Response) {
        let Some(jar) = &self.options.cookies else { return };
        for value in response.headers.get_all(SET_COOKIE) {
            if let Ok(text) = value.to_str() {
                jar.store(&response.url, text);
            }
        }
    }

    /// Asks once; or twice, if a connection that had been idle turns out to be dead and asking again does no
    /// harm (RFC 9112 section 9.3.1).
    async fn once(self: &Rc<Self>, parts: &Parts, content: Content) -> Result<Response, Failure> {
        let origin = self.origin(parts)?;
        let again = match &content.0 {
            Kind::Bytes(bytes) if is_idempotent(&parts.method) => Some(bytes.clone()),
            _ => None,
        };
        let mut content = Some(content);
        loop {
            let (connection, is_used) = self.connection(&origin).await?;
            let body = match content.take() {
                Some(content) => content,
                None => again.clone().unwrap_or_default().into(),
            };
            let order = self.order(parts, &origin, body);
            let asked =
                connection.call(move |client: &mut ClientProtocol, cx| client.ask(cx, order));
            let answer = match asked.await {
                Ok(answered) => answered.await,
                Err(_) => Err(HttpError::NoAnswer.into_failure()), // It died on the way out of the pool.
            };
            match answer {
                Err(why) if is_used && again.is_some() && is_no_answer(&why) => {}
                answer => return answer,
            }
        }
    }

    fn origin(&self, parts: &Parts) -> Result<Origin, Failure> {
        let proxy = self.options.proxy.as_ref();
        match &parts.socket {
            Some(path) => Ok(Origin::of(&parts.url, None)?.through_socket(path)),
            None => Origin::of(&parts.url, proxy),
        }
    }

    /// A connection to `origin`, and whether it was used before.
    async fn connection(
        self: &Rc<Self>,
        origin: &Origin,
    ) -> Result<(ProtocolRef<ClientProtocol>, bool), Failure> {
        loop {
            match self.pool.place(origin).await? {
                Place::Free(seat) => return Ok((self.dial(origin, seat).await?, false)),
                Place::Idle(lease) => {
                    if let Some(connection) = lease.take().filter(ProtocolRef::is_alive) {
                        return Ok((connection, true));
                    }
                }
            }
        }
    }

    async fn dial(
        self: &Rc<Self>,
        origin: &Origin,
        seat: Seat,
    ) -> Result<ProtocolRef<ClientProtocol>, Failure> {
        let endpoint = self.endpoints.client(&origin.endpoint())?;
        let (limits, seat) = (self.limits.clone(), RefCell::new(Some(seat)));
        let factory = OneClient { limits, seat };
        let dialled = self.reactor.connect(&endpoint, factory);
        let connection = dialled.add_timeout(&self.reactor, self.options.connect_timeout).await?;
        if origin.needs_tunnel() {
            let unfinished = Unfinished(connection.transport());
            self.tunnel(origin, &connection).await?;
            unfinished.finished();
        }
        Ok(connection)
    }

    /// Asks the proxy for a way through, and puts TLS on it.
    async fn tunnel(
        self: &Rc<Self>,
        origin: &Origin,
        connection: &ProtocolRef<ClientProtocol>,
    ) -> Result<(), Failure> {
        let start_tls = self.options.start_tls.clone().ok_or_else(|| {
            Failure::new(FailureKind::Local, "https through a proxy needs AgentOptions::start_tls")
        })?;
        let target = format!("{}:{}", origin.host, origin.port);
        let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        self.put_proxy_authorization(&mut head);
        let order = Order {
            method: Method::CONNECT,
            head,
            content: Content::empty(),
            continue_timeout: None,
            informed: None,
            inflates: false,
            head_timeout: self.options.connect_timeout,
            read_timeout: self.options.read_timeout,
        };
        let asked =
            connection.call(|client: &mut ClientProtocol, cx| client.ask_for_tunnel(cx, order));
        let status = asked.await?.await?.status;
        if !status.is_success() {
            let what = format!("the proxy answered {status} to a CONNECT to {target}");
            return Err(Failure::new(FailureKind::Peer, what));
        }
        let transport = connection.transport().ok_or_else(Failure::connection_done)?;
        start_tls.start_tls(&transport, origin.host.trim_matches(['[', ']'])).await
    }

    fn order(&self, parts: &Parts, origin: &Origin, content: Content) -> Order {
        let mut head = self.request_line(parts, origin);
        // How the body is framed is not the caller's business: two lengths are how requests are smuggled.
        let framing = [CONTENT_LENGTH, TRANSFER_ENCODING];
        for (name, value) in parts.headers.iter().filter(|(name, _)| !framing.contains(name)) {
            put_field(&mut head, name, value.as_bytes());
        }
        let lacks = |name: &HeaderName| !parts.headers.contains_key(name);
        if lacks(&HOST) {
            put_field(&mut head, &HOST, origin.authority().as_bytes());
        }
        if lacks(&USER_AGENT) {
            put_field(&mut head, &USER_AGENT, self.options.user_agent.as_bytes());
        }
        let inflates = self.options.decompress && lacks(&ACCEPT_ENCODING) && lacks(&RANGE);
        if inflates {
            put_field(&mut head, &ACCEPT_ENCODING, b"gzip, deflate");
        }
        if let Some(credentials) = basic_credentials(&parts.url).filter(|_| lacks(&AUTHORIZATION)) {
            put_field(&mut head, &AUTHORIZATION, credentials.as_bytes());
        }
        let cookies = self.options.cookies.as_ref().and_then(|jar| jar.header_for(&parts.url));
        if let Some(cookies) = cookies.filter(|_| lacks(&COOKIE)) {
            put_field(&mut head, &COOKIE, cookies.as_bytes());
        }
        if origin.wants_absolute_form() {
            self.put_proxy_authorization(&mut head);
        }
        let expects = expects_continue(&parts.headers);
        Order {
            method: parts.method.clone(),
            head,
            content,
            continue_timeout: expects.then_some(self.options.continue_timeout),
            informed: parts.informed.clone(),
            inflates,
            head_timeout: self.options.head_timeout,
            read_timeout: self.options.read_timeout,
        }
    }

    fn request_line(&self, parts: &Parts, origin: &Origin) -> Vec<u8> {
        let path = parts.url.path_and_query().map_or("/", |path| path.as_str());
        let target = match parts.method {
            _ if origin.wants_absolute_form() => format!("http://{}{path}", origin.authority()),
            _ if path.is_empty() => "/".to_owned(),
            _ => path.to_owned(),
        };
        format!("{} {target} HTTP/1.1\r\n", parts.method).into_bytes()
    }

    fn put_proxy_authorization(&self, head: &mut Vec<u8>) {
        if let Some(credentials) = self.options.proxy.as_ref().and_then(basic_credentials) {
            put_field(head, &PROXY_AUTHORIZATION, credentials.as_bytes());
        }
    }
}

/// A connection with half a tunnel, which is aborted if whoever makes it fails, or does not go on.
struct Unfinished(Option<Transport>);

impl Unfinished {
    fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(transport) = self.0.take() {
            transport.abort_connection();
        }
    }
}

/// `Basic …` of the user information in a URL (RFC 7617).
fn basic_credentials(url: &Uri) -> Option<String> {
    let (user_info, _) = url.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let [user, password] = [user, password].map(crate::origin::percent_decode);
    Some(basic(&format!("{user}:{password}")))
}

fn basic(plain: &str) -> String {
    format!("Basic {}", BASE64.encode(plain))
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// RFC 9110 section 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    method.is_safe() || matches!(*method, Method::PUT | Method::DELETE)
}

fn is_no_answer(why: &Failure) -> bool {
    why.check::<HttpError>() == Some(&HttpError::NoAnswer)
}

/// Makes the one protocol of a connection that is dialled.
struct OneClient {
    limits: Rc<HttpLimits>,
    seat: RefCell<Option<Seat>>,
}

impl ropewalk_core::Factory for OneClient {
    type Protocol = ClientProtocol;

    fn build_protocol(&self, _: &Transport) -> Option<ClientProtocol> {
        Some(ClientProtocol::new(self.limits.clone(), self.seat.take()?))
    }
}
