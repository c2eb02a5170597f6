//! [`IrcSession`]: one connection that speaks IRC.
//!
//! Until it is registered it is a [`Registering`]; from then on it has a user of the network, and each line is a
//! [`Request`] for one of the commands. What happens on the network comes by an `IrcListener`, which writes to the
//! transport and never waits: who does not read fills their own mailbox, and is dropped when that reaches its limit
//! (see [`IrcFactory`](super::IrcFactory)).

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Cx, Deferred, DelayedCall, Failure, FailureKind, Time, Transport};
use ropewalk_framing::{LineProtocol, LineReceiver};

use super::capability::Capability;
use super::commands;
use super::outbox::Outbox;
use super::registering::Registering;
use super::request::{Request, need_more_params, shown};
use super::sasl;
use super::shared::Shared;
use super::welcome::welcome;
use crate::network::pace::Pace;
use crate::network::{Refusal, User};
use crate::{LineLimits, Message, MessageError, numeric};

/// One connection that speaks IRC.
pub struct IrcSession {
    pub(crate) shared: Rc<Shared>,
    pub(crate) out: Outbox,
    pub(crate) stage: Stage,
    pub(crate) sasl: sasl::Exchange,
    pace: Pace,
    made_at: Time,
    heard_at: Time,
    /// The client was asked whether it is there, and has said nothing since.
    is_asked: bool,
    /// Goes off when the client may have taken too long.
    timer: Option<DelayedCall>,
}

pub(crate) enum Stage {
    Registering(Box<Registering>),
    Registered(User),
    /// Off the network; what was written to the connection is being sent.
    Gone,
}

/// What cuts the lines of a session.
pub(crate) type Receiver = LineReceiver<IrcSession>;

/// The longest label (IRCv3 labeled-response).
const LABEL_BYTES_MAX: usize = 64;

impl IrcSession {
    pub(crate) fn new(shared: Rc<Shared>, transport: &Transport) -> Self {
        shared.unknown.set(shared.unknown.get() + 1);
        Self {
            out: Outbox::new(transport.clone(), shared.clone()),
            shared,
            stage: Stage::Registering(Box::default()),
            sasl: sasl::Exchange::default(),
            pace: Pace::default(),
            made_at: transport.reactor().now(),
            heard_at: transport.reactor().now(),
            timer: None,
            is_asked: false,
        }
    }

    fn run(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let Ok(text) = str::from_utf8(line) else { return self.complain_no_utf8(line) };
        // Line ends by CR alone, and empty lines, are of old; they say nothing.
        let text = text.trim_end_matches('\r');
        match Message::parse(text, &LineLimits::FROM_CLIENT) {
            Ok(message) => self.run_message(cx, &message),
            Err(MessageError::TagsTooLong | MessageError::BodyTooLong) => self.complain_too_long(),
            Err(MessageError::Command) => self.complain_no_command(text),
            Err(_) => {}
        }
    }

    fn run_message(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        if let Some(label) = self.label(message) {
            self.out.begin_response(label);
        }
        if !self.run_anywhere(cx, message) {
            match &self.stage {
                Stage::Registering(_) => self.run_registering(cx, message),
                Stage::Registered(_) => self.run_registered(cx, message),
                Stage::Gone => {}
            }
        }
        if let Some(later) = self.out.take_later() {
            self.wait_for(cx, later, |session, _, answer| match answer {
                Ok(answer) => answer(&session.out),
                Err(failure) => tracing::warn!(%failure, "an answer that did not come"),
            });
        }
        self.out.finish_response();
        self.end_if_due();
    }

    /// Hears nothing more of the client until `deferred` has fired: what it says meanwhile may depend on that, and is
    /// to be answered after it. What `then` answers is the present command's answer.
    pub(crate) fn wait_for<T: 'static>(
        &self,
        cx: &mut Cx<'_>,
        deferred: Deferred<T>,
        then: impl FnOnce(&mut Self, &Cx<'_>, Result<T, Failure>) + 'static,
    ) {
        cx.transport().pause_producing();
        let pending = self.out.take_response();
        cx.when(deferred, move |receiver: &mut Receiver, cx, result| {
            cx.transport().resume_producing();
            let session = &mut receiver.protocol;
            session.out.resume_response(pending);
            then(session, cx, result);
            session.out.finish_response();
            session.end_if_due();
        });
    }

    fn label(&self, message: &Message<'_>) -> Option<String> {
        let label = message.tags().get("label")?;
        let is_good = !label.is_empty() && label.len() <= LABEL_BYTES_MAX;
        (is_good && self.out.has(Capability::LabeledResponse)).then(|| label.into_owned())
    }

    /// Commands that are the same before and after registration; false if it is none of them.
    fn run_anywhere(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) -> bool {
        let first = message.param(0).unwrap_or_default();
        match message.command().to_ascii_uppercase().as_str() {
            "CAP" => self.negotiate(cx, message),
            "AUTHENTICATE" => self.authenticate(cx, message),
            "PING" if first.is_empty() => {
                self.out.numeric(numeric::ERR_NOORIGIN, &[], "No origin specified");
            }
            "PING" => {
                let pong = Message::new("PONG").with_param(&self.shared.settings.server_name);
                self.out.answer(&pong.with_trailing(first));
            }
            "PONG" => {}
            "QUIT" => {
                let reason =
                    if first.is_empty() { "Quit".into() } else { format!("Quit: {first}") };
                self.lose(&reason);
            }
            _ => return false,
        }
        true
    }

    fn run_registered(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        let Stage::Registered(user) = &self.stage else { return };
        let request =
            Request { message, user, out: &self.out, shared: &self.shared, now: cx.now() };
        let Some(command) = commands::find(message.command()) else {
            return complain_unknown(&self.out, message.command());
        };
        if message.params().len() < command.params_min {
            return need_more_params(&self.out, message.command());
        }
        (command.run)(&request);
    }

    /// Something that was done has made this the end.
    pub(crate) fn end_if_due(&mut self) {
        if let Some(reason) = self.out.take_end() {
            self.lose(&reason);
        }
    }

    /// The client is what it said; it comes to the network.
    pub(crate) fn enter(&mut self, cx: &Cx<'_>, user: User) {
        self.stop_registering(Stage::Registered(user));
        let Stage::Registered(user) = &self.stage else { return };
        let message = Message::new("JOIN");
        let request = Request {
            message: &message,
            user,
            out: &self.out,
            shared: &self.shared,
            now: cx.now(),
        };
        welcome(&request);
        for channel in &self.shared.settings.channels {
            commands::join_one(&request, channel, None);
        }
    }

    fn stop_registering(&mut self, stage: Stage) {
        if let Stage::Registering(_) = &self.stage {
            self.shared.unknown.set(self.shared.unknown.get().saturating_sub(1));
        }
        self.stage = stage;
    }

    /// Leaves the network and says why, to the others and to the client.
    pub(crate) fn lose(&mut self, reason: &str) {
        self.leave(reason);
        self.out.say_goodbye(reason);
    }

    fn leave(&mut self, reason: &str) {
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        match stage {
            Stage::Registering(_) => {
                self.shared.unknown.set(self.shared.unknown.get().saturating_sub(1));
            }
            Stage::Registered(user) => user.quit(reason),
            Stage::Gone => {}
        }
    }

    /// IRCv3 UTF8ONLY: what is not UTF-8 is refused, and never passed on.
    fn complain_no_utf8(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let message = Message::parse(&line, &LineLimits::FROM_CLIENT);
        let label = message.as_ref().ok().and_then(|message| self.label(message));
        label.into_iter().for_each(|label| self.out.begin_response(label));
        let command = message.map_or("*".into(), |message| message.command().to_ascii_uppercase());
        let text = "Message rejected, your software has to use UTF-8 on this network";
        self.out.standard("FAIL", &[&command, "INVALID_UTF8"], text);
        self.out.finish_response();
    }

    /// What stands where a command should is none that there can be.
    fn complain_no_command(&self, line: &str) {
        let (tags, rest) = match line.split_once(' ') {
            Some((tags, rest)) if tags.starts_with('@') => (tags, rest),
            _ => ("", line),
        };
        let tagged = format!("{tags} UNKNOWN");
        let message = Message::parse(tagged.trim_start(), &LineLimits::FROM_CLIENT);
        let label = message.ok().and_then(|message| self.label(&message));
        label.into_iter().for_each(|label| self.out.begin_response(label));
        let mut words = rest.split_ascii_whitespace();
        let command = words.find(|word| !word.starts_with(':')).unwrap_or_default();
        complain_unknown(&self.out, command);
        self.out.finish_response();
    }

    fn complain_too_long(&self) {
        self.out.numeric(numeric::ERR_INPUTTOOLONG, &[], "Input line was too long");
    }

    /// Whether the client sends no more than it may. It is warned once.
    fn check_pace(&mut self, now: Time) -> bool {
        let limits = &self.shared.settings.limits;
        match self.pace.step(now, limits.line_interval, limits.line_burst) {
            Err(Refusal::TooFast) => {
                self.out.numeric(numeric::RPL_TRYAGAIN, &["*"], "Too fast; wait a little");
                false
            }
            Err(_) => {
                self.lose("Excess flood");
                false
            }
            Ok(()) => true,
        }
    }

    /// Sees to it that [`check_time`](Self::check_time) is called after so long.
    fn arm(&mut self, cx: &Cx<'_>, after: Duration) {
        let receiver = cx.protocol_ref::<Receiver>();
        let timer = cx.reactor().call_later(after, move || {
            if receiver.is_alive() {
                drop(receiver.call(|receiver, cx| receiver.protocol.check_time(cx)));
            }
        });
        self.timer = Some(timer);
    }

    /// Looks whether the client has taken too long to register, or been silent for too long.
    fn check_time(&mut self, cx: &Cx<'_>) {
        let next = match self.stage {
            Stage::Registering(_) => self.check_registering(cx.now()),
            Stage::Registered(_) => self.check_silence(cx.now()),
            Stage::Gone => None,
        };
        if let Some(next) = next {
            self.arm(cx, next);
        }
    }

    /// How long is left for registration.
    fn check_registering(&mut self, now: Time) -> Option<Duration> {
        let timeout = self.shared.settings.limits.registration_timeout;
        let left = timeout.checked_sub(now.since(self.made_at)).filter(|left| !left.is_zero());
        if left.is_none() {
            self.lose("Registration timed out");
        }
        left
    }

    /// How long it is until something has to be done about silence: first the client is asked whether it is there, then
    /// it is given up.
    fn check_silence(&mut self, now: Time) -> Option<Duration> {
        let limits = &self.shared.settings.limits;
        let (asked_at, lost_at) =
            (limits.ping_interval, limits.ping_interval + limits.ping_timeout);
        let silence = now.since(self.heard_at);
        if silence >= lost_at {
            self.lose(&format!("Ping timeout: {} seconds", silence.as_secs()));
            return None;
        }
        if silence < asked_at {
            return Some(asked_at - silence);
        }
        if !std::mem::replace(&mut self.is_asked, true) {
            let ping = Message::new("PING").with_trailing(&self.shared.settings.server_name);
            self.out.tell_bare(&ping);
        }
        Some(lost_at - silence)
    }
}

impl LineProtocol for IrcSession {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.arm(cx, self.shared.settings.limits.registration_timeout);
    }

    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        if matches!(self.stage, Stage::Gone) {
            return;
        }
        self.heard_at = cx.now();
        self.is_asked = false;
        if self.check_pace(cx.now()) {
            self.run(cx, line);
        }
    }

    /// The line is passed over.
    fn line_too_long(&mut self, cx: &mut Cx<'_>, _: Failure) {
        if self.check_pace(cx.now()) {
            self.complain_too_long();
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        if let Some(timer) = self.timer.take() {
            let _ = timer.cancel(); // Already run is as good.
        }
        self.leave(match reason.kind() {
            FailureKind::ConnectionDone => "Connection closed",
            FailureKind::Limit => "Too slow",
            FailureKind::Timeout => "Connection timed out",
            _ => "Connection lost",
        });
    }
}

pub(crate) fn complain_unknown(out: &Outbox, command: &str) {
    out.numeric(numeric::ERR_UNKNOWNCOMMAND, &[shown(command)], "Unknown command");
}
