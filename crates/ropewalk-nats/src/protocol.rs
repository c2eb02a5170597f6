//! [`NatsProtocol`]: one connection to a server.
//!
//! The server speaks first (`INFO`). We say who we are and `PING` in one go; the `PONG` to that means that we are
//! welcome, since a server that refuses says so instead, and hangs up. Then messages come.

use std::rc::{Rc, Weak};

use ropewalk_core::{Cx, DelayedCall, Failure, FailureKind, Transport, WeakTransport};
use ropewalk_framing::LineProtocol;

use crate::event::{MessageLine, NatsMessage, NatsNews, ServerLine};
use crate::link::Link;
use crate::{ServerInfo, encode, parse};

/// The reading half: hears lines and payloads, and tells the [`Link`].
pub(crate) struct NatsProtocol {
    link: Weak<Link>,
    stage: Stage,
    arriving: Option<Arriving>,
    /// What the server said before it hung up.
    last_words: Option<String>,
}

enum Stage {
    /// Nothing has come. The call gives up.
    Silent(Option<DelayedCall>),
    /// We have said who we are.
    Greeted(Option<DelayedCall>, ServerInfo),
    Up,
}

/// A message whose payload is not whole.
struct Arriving {
    number: u64,
    subject: String,
    reply: Option<String>,
    /// With the line's end that follows it.
    payload: Vec<u8>,
    bytes: usize,
}

const LINE_END: &[u8] = b"\r\n";
/// Room that is taken for a payload before it is there: a server that announces much and sends nothing costs no more.
const PAYLOAD_BYTES_AHEAD: usize = 64 << 10;

impl NatsProtocol {
    pub(crate) fn new(link: Weak<Link>) -> Self {
        Self { link, stage: Stage::Silent(None), arriving: None, last_words: None }
    }

    fn take_line(&mut self, cx: &mut Cx<'_>, link: &Rc<Link>, line: &[u8]) -> Result<(), Failure> {
        match parse::server_line(line)? {
            ServerLine::Info(json) => self.info_received(cx, link, ServerInfo::parse(json)?),
            ServerLine::Message(line) => self.begin_message(link, &line),
            ServerLine::Ping => {
                cx.transport().write(b"PONG\r\n");
                Ok(())
            }
            ServerLine::Pong => {
                self.pong_received(cx, link);
                Ok(())
            }
            ServerLine::Ok => Ok(()),
            ServerLine::Error(words) => {
                self.error_received(link, words);
                Ok(())
            }
        }
    }

    /// It comes first, and again when there is news of the server.
    fn info_received(
        &mut self,
        cx: &mut Cx<'_>,
        link: &Rc<Link>,
        info: ServerInfo,
    ) -> Result<(), Failure> {
        match &mut self.stage {
            Stage::Silent(timer) => {
                if info.tls_required {
                    let what = "the NATS server wants TLS to begin behind its first line, which is not supported";
                    return Err(Failure::new(FailureKind::Peer, what));
                }
                cx.transport().write(encode::connect(link.options()).as_bytes());
                cx.transport().write(b"PING\r\n");
                self.stage = Stage::Greeted(timer.take(), info);
            }
            Stage::Greeted(_, known) => *known = info,
            Stage::Up => link.set_info(info),
        }
        Ok(())
    }

    fn pong_received(&mut self, cx: &mut Cx<'_>, link: &Rc<Link>) {
        match std::mem::replace(&mut self.stage, Stage::Up) {
            Stage::Greeted(timer, info) => {
                cancel(timer);
                link.came_up(cx.transport(), info);
            }
            Stage::Up => link.pong_received(),
            silent @ Stage::Silent(_) => self.stage = silent,
        }
    }

    /// The server hangs up behind most of its errors.
    fn error_received(&mut self, link: &Rc<Link>, words: String) {
        let goes_on =
            words.starts_with("Permissions Violation") || words.starts_with("Invalid Subject");
        if goes_on {
            link.tell(&NatsNews::Refused(words));
        } else {
            self.last_words = Some(words);
        }
    }

    fn begin_message(&mut self, link: &Link, line: &MessageLine<'_>) -> Result<(), Failure> {
        let max = link.options().limits.payload_bytes_max;
        if line.payload_bytes > max {
            let what =
                format!("a message of {} bytes (payload_bytes_max is {max})", line.payload_bytes);
            return Err(Failure::new(FailureKind::Limit, what));
        }
        let bytes = line.payload_bytes + LINE_END.len();
        self.arriving = Some(Arriving {
            number: line.number,
            subject: line.subject.to_owned(),
            reply: line.reply.map(str::to_owned),
            payload: Vec::with_capacity(bytes.min(PAYLOAD_BYTES_AHEAD)),
            bytes,
        });
        Ok(())
    }
}

impl LineProtocol for NatsProtocol {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let Some(link) = self.link.upgrade() else { return cx.transport().abort_connection() };
        let transport = cx.transport().downgrade();
        let timeout = link.options().limits.greeting_timeout;
        let timer = cx.reactor().call_later(timeout, move || give_up(&transport));
        self.stage = Stage::Silent(Some(timer));
    }

    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let Some(link) = self.link.upgrade() else { return cx.transport().lose_connection() };
        if let Err(failure) = self.take_line(cx, &link, line) {
            cx.transport().abort_with(failure);
        }
    }

    fn is_raw(&self) -> bool {
        self.arriving.is_some()
    }

    fn raw_data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) -> usize {
        let Some(message) = &mut self.arriving else { return 0 };
        let used = data.len().min(message.bytes - message.payload.len());
        message.payload.extend_from_slice(&data[..used]);
        if message.payload.len() < message.bytes {
            return used;
        }
        let whole = self.arriving.take().and_then(Arriving::finish);
        match (whole, self.link.upgrade()) {
            (Some((number, message)), Some(link)) => link.message_received(number, &message),
            (_, None) => cx.transport().lose_connection(),
            (None, _) => cx.transport().abort_with(Failure::new(
                FailureKind::Peer,
                "a message's payload is not as long as its line says",
            )),
        }
        used
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        if let Stage::Silent(timer) | Stage::Greeted(timer, _) = &mut self.stage {
            cancel(timer.take());
        }
        let reason = match self.last_words.take() {
            Some(words) => {
                Failure::new(FailureKind::Peer, format!("the NATS server says: {words}"))
            }
            None => reason,
        };
        if let Some(link) = self.link.upgrade() {
            link.went_away(cx.now(), reason);
        }
    }
}

impl Arriving {
    fn finish(mut self) -> Option<(u64, NatsMessage)> {
        let end = self.payload.split_off(self.bytes - LINE_END.len());
        let Self { number, subject, reply, payload, .. } = self;
        (end == LINE_END).then(|| (number, NatsMessage { subject, reply, payload: payload.into() }))
    }
}

fn cancel(timer: Option<DelayedCall>) {
    if let Some(timer) = timer {
        let _ = timer.cancel(); // Already run is as good.
    }
}

fn give_up(transport: &WeakTransport) {
    let failure =
        Failure::new(FailureKind::Timeout, "the NATS server does not greet (greeting_timeout)");
    if let Some(transport) = transport.upgrade() {
        Transport::abort_with(&transport, failure);
    }
}
