//! [`IrcListener`]: tells a client what happens, of what it wants to hear.

use super::capability::Capability;
use super::encoding::IrcLines;
use super::outbox::Outbox;
use crate::Message;
use crate::network::{Event, Listener, Notice};
use crate::numeric;

/// Writes what happens to one client.
pub(crate) struct IrcListener(Outbox);

impl IrcListener {
    pub(crate) fn new(out: Outbox) -> Self {
        Self(out)
    }

    fn lines(&self, notice: &Notice) -> bytes::Bytes {
        notice.encoded::<IrcLines>(self.0.caps().writing_key())
    }

    /// Whether the client wants to hear that somebody else did it.
    fn wants(&self, notice: &Notice) -> bool {
        match notice.event() {
            Event::Tagged { .. } => self.0.has(Capability::MessageTags),
            Event::AwaySet { .. } => self.0.has(Capability::AwayNotify),
            Event::AccountSet => self.0.has(Capability::AccountNotify),
            Event::RealnameSet => self.0.has(Capability::SetName),
            Event::Invited { who, .. } => {
                who.nick().as_str() == &*self.0.nick() || self.0.has(Capability::InviteNotify)
            }
            _ => true,
        }
    }

    /// Whether the client wants to hear that it did it itself.
    fn wants_echo(&self, notice: &Notice) -> bool {
        match notice.event() {
            Event::Said { .. } => self.0.has(Capability::EchoMessage),
            Event::Tagged { .. } => {
                self.0.has(Capability::EchoMessage) && self.0.has(Capability::MessageTags)
            }
            // Answered with a numeric.
            Event::AwaySet { .. } | Event::Invited { .. } => false,
            _ => self.wants(notice),
        }
    }

    fn tell_killed(&self, notice: &Notice, reason: &str) {
        let (source, by) = (notice.source().to_string(), notice.source().nick());
        let nick = self.0.nick();
        self.0.answer_as(&source, &Message::new("KILL").with_param(&nick).with_trailing(reason));
        self.0.say_goodbye(&format!("Killed ({by} ({reason}))"));
    }

    /// `nick!user@host` came, or `nick` went.
    fn tell_monitored(&self, notice: &Notice, is_online: bool) {
        let nick = self.0.nick();
        let (numeric, who) = match is_online {
            true => (numeric::RPL_MONONLINE, notice.source().to_string()),
            false => (numeric::RPL_MONOFFLINE, notice.source().nick().to_string()),
        };
        self.0.tell_answer(&Message::new(numeric).with_param(&nick).with_trailing(&who));
    }
}

impl Listener for IrcListener {
    fn notified(&self, notice: &Notice) {
        if let Event::Killed { reason } = notice.event() {
            return self.tell_killed(notice, reason);
        }
        if self.wants(notice) {
            self.0.tell(self.lines(notice));
        }
    }

    fn echoed(&self, notice: &Notice) {
        match notice.event() {
            Event::Killed { reason } => return self.tell_killed(notice, reason),
            Event::Renamed { to } => self.0.set_nick(to.as_str()),
            _ => {}
        }
        if self.wants_echo(notice) {
            self.0.echo(self.lines(notice));
        }
    }

    /// Extended-monitor gives to who watches what friends are told.
    fn watched(&self, notice: &Notice) {
        match notice.event() {
            Event::Online => self.tell_monitored(notice, true),
            Event::Offline => self.tell_monitored(notice, false),
            _ if self.0.has(Capability::ExtendedMonitor) && self.wants(notice) => {
                self.0.tell(self.lines(notice));
            }
            _ => {}
        }
    }

    fn closed(&self) {
        self.0.say_goodbye("Server closed");
    }
}
