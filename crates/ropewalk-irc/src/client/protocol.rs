//! [`IrcProtocol`]: the reading half, and [`IrcClientFactory`], which makes it.

use std::borrow::Cow;
use std::rc::Rc;

use ropewalk_core::{ClientEndpoint, Cx, Deferred, Factory, Failure, Reactor, Transport};
use ropewalk_framing::{LineDecoder, LineProtocol, LineReceiver};

use crate::{LineLimits, Message, MessageError};

use super::options::ClientOptions;
use super::requests::Firing;
use super::session::{Session, Told};
use super::{Irc, IrcClient};

/// One connection to a server, as it hears; a [`LineReceiver`] makes a protocol of it.
pub struct IrcProtocol<C> {
    irc: Irc,
    /// Who is told.
    pub client: C,
}

/// Makes a client of each connection.
///
/// # Example: with a client of its own for each connection
/// ```
/// use ropewalk_irc::client::{ClientOptions, IrcClient, IrcClientFactory};
/// struct Silent;
/// impl IrcClient for Silent {}
/// let factory = IrcClientFactory::new(ClientOptions::new("dan"), || Silent);
/// ```
pub struct IrcClientFactory<F> {
    options: Rc<ClientOptions>,
    make: F,
}

/// What is taken of a server: some have longer lines than the RFC (`LINELEN`), and none has longer ones than this.
const RECEIVED: LineLimits =
    LineLimits { tags_bytes_max: LineLimits::FROM_SERVER.tags_bytes_max, body_bytes_max: 16_384 };

/// Connects to a server as `client`; fires when that has let it in.
///
/// # Errors
/// It cannot be reached, or does not let this client in: a [`ServerError`](super::ServerError), if it said why.
///
/// # Cancellation
/// Gives up, and loses the connection.
pub fn connect<C: IrcClient>(
    reactor: &Reactor,
    endpoint: &(impl ClientEndpoint + ?Sized),
    options: ClientOptions,
    client: C,
) -> Deferred<Irc> {
    let once = std::cell::Cell::new(Some(client));
    let factory = OnceFactory { options: Rc::new(options), client: once };
    let connected = reactor.connect(endpoint, factory);
    connected
        .add_callback(|protocol| protocol.call(|receiver, _| receiver.protocol.irc.clone()))
        .add_callback(|irc| {
            let signed_on = irc.signed_on();
            signed_on.add_callback(move |()| Ok(irc))
        })
}

impl<F, C> IrcClientFactory<F>
where
    F: Fn() -> C + 'static,
    C: IrcClient,
{
    /// Connections behave as `options` say, and each tells the client that `make` makes for it.
    pub fn new(options: ClientOptions, make: F) -> Self {
        Self { options: Rc::new(options), make }
    }
}

impl<F, C> Factory for IrcClientFactory<F>
where
    F: Fn() -> C + 'static,
    C: IrcClient,
{
    type Protocol = LineReceiver<IrcProtocol<C>>;

    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol> {
        Some(build(transport, self.options.clone(), (self.make)()))
    }
}

/// For one connection.
struct OnceFactory<C> {
    options: Rc<ClientOptions>,
    client: std::cell::Cell<Option<C>>,
}

impl<C: IrcClient> Factory for OnceFactory<C> {
    type Protocol = LineReceiver<IrcProtocol<C>>;

    fn build_protocol(&self, transport: &Transport) -> Option<Self::Protocol> {
        Some(build(transport, self.options.clone(), self.client.take()?))
    }
}

fn build<C: IrcClient>(
    transport: &Transport,
    options: Rc<ClientOptions>,
    client: C,
) -> LineReceiver<IrcProtocol<C>> {
    let mut decoder = LineDecoder::new();
    decoder.line_bytes_max = RECEIVED.line_bytes_max();
    let irc = Irc(Session::new(transport, options));
    LineReceiver::with_decoder(decoder, IrcProtocol { irc, client })
}

impl<C: IrcClient> IrcProtocol<C> {
    /// The speaking half.
    pub fn irc(&self) -> &Irc {
        &self.irc
    }

    fn tell(&mut self, message: &Message<'_>, told: Told<'_>) {
        told.firings.into_iter().for_each(Firing::fire);
        self.client.message_received(&self.irc, message);
        if let Some(lag) = told.lag {
            self.client.lag_measured(&self.irc, lag);
        }
        for event in &told.events {
            self.client.event_received(&self.irc, event);
        }
        told.signed_on.into_iter().for_each(|resolver| resolver.callback(()));
    }
}

impl<C: IrcClient> LineProtocol for IrcProtocol<C> {
    fn connection_made(&mut self, _: &mut Cx<'_>) {
        self.irc.0.begin();
    }

    fn line_received(&mut self, _: &mut Cx<'_>, line: &[u8]) {
        let line = decode(line);
        if line.trim_matches(' ').is_empty() {
            return; // RFC 1459 section 8.4: empty lines are passed over.
        }
        match Message::parse(&line, &RECEIVED) {
            Ok(message) => {
                let told = self.irc.0.heard(&message);
                self.tell(&message, told);
            }
            Err(error) => self.client.malformed_received(&self.irc, &line, error),
        }
    }

    /// The line is passed over.
    fn line_too_long(&mut self, _: &mut Cx<'_>, _: Failure) {
        self.client.malformed_received(&self.irc, "", MessageError::BodyTooLong);
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        let lost = self.irc.0.lost(&reason);
        lost.firings.into_iter().for_each(Firing::fire);
        lost.signed_on.into_iter().for_each(|resolver| resolver.errback(lost.why.clone()));
        lost.quit.into_iter().for_each(|resolver| resolver.callback(()));
        self.client.connection_lost(&self.irc, &lost.why);
    }
}

/// UTF-8; what is not, is taken as Latin-1, which never fails: so clients have read each other since before UTF-8.
fn decode(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(line.iter().copied().map(char::from).collect()),
    }
}
