//! What a client does by itself while it is connected: it asks for signs of life, answers what clients ask each
//! other, and asks for its nick again.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{DelayedCall, Failure, FailureKind};

use crate::Message;

use super::ctcp;
use super::done::Done;
use super::event::{Event, Said};
use super::session::{Session, Told};

/// How long the server may take to lose the connection of who takes leave: as long as a program may take to end.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Session {
    /// Takes leave. The server loses the connection then; if it does not, this client does.
    pub(crate) fn begin_quit(self: &Rc<Self>, message: &Message<'_>) {
        self.write_now(message);
        let timer = self.call_later(QUIT_TIMEOUT, |session| {
            if let Some(transport) = session.transport() {
                transport.lose_connection();
            }
        });
        self.state.borrow_mut().timers.quit = Some(timer);
    }

    /// Asks for a sign of life; the next answer or its absence goes on from there.
    pub(crate) fn ask_lag(self: &Rc<Self>) {
        let timeout = self.options.limits.ping_timeout;
        let timer = self.call_later(timeout, move |session| {
            let why = format!("the server gave no sign of life for {timeout:?} (ping_timeout)");
            session.abort(Failure::new(FailureKind::Timeout, why));
        });
        let token = {
            let mut state = self.state.borrow_mut();
            if let Some(before) = state.timers.ping.replace(timer) {
                let _ = before.cancel(); // It may be what asks.
            }
            state.lag.count += 1;
            state.lag.asked_at = Some(self.reactor.now());
            lag_token(state.lag.count)
        };
        self.write_now(&Message::new("PING").with_param(&token));
    }

    pub(crate) fn mind_pong(self: &Rc<Self>, message: &Message<'_>, told: &mut Told<'_>) {
        let Some(token) = message.last_param().filter(|_| message.is("PONG")) else { return };
        let mut state = self.state.borrow_mut();
        told.firings.extend(state.requests.fence_heard(token));
        if token != lag_token(state.lag.count) {
            return;
        }
        if let Some(asked_at) = state.lag.asked_at.take() {
            let lag = self.reactor.now().since(asked_at);
            state.lag.measured = Some(lag);
            told.lag = Some(lag);
            let interval = self.options.limits.ping_interval;
            let timer = self.call_later(interval, |session| session.ask_lag());
            if let Some(before) = state.timers.ping.replace(timer) {
                let _ = before.cancel(); // It has not run, or there would be no connection.
            }
        }
        drop(state);
        self.settle(told); // A server without a message of the day may say nothing of it.
    }

    /// Answers what clients are asked by each other, as far as the options say.
    pub(crate) fn answer_ctcp(self: &Rc<Self>, events: &[Event<'_>]) {
        for event in events {
            if let Event::CtcpQueried(said) = event
                && !said.is_own
                && !said.is_replayed
                && let Some(answer) = self.ctcp_answer(said)
                && self.state.borrow_mut().ctcp_pace.take(self.reactor.now())
            {
                let text = ctcp::encode(&said.ctcp.to_ascii_uppercase(), &answer);
                let notice = Message::new("NOTICE").with_param(said.from.nick);
                // Too much waits already: then this is the least of it.
                drop(self.queue(&notice.with_trailing(&text)));
            }
        }
    }

    fn ctcp_answer(&self, said: &Said<'_>) -> Option<String> {
        let options = &self.options;
        match &*said.ctcp.to_ascii_uppercase() {
            "PING" => Some(said.text.to_owned()),
            "VERSION" => options.version.clone(),
            "TIME" => options.wall_clock.map(|now| httpdate::fmt_http_date(now())),
            "CLIENTINFO" => Some("ACTION CLIENTINFO PING TIME VERSION".to_owned()),
            _ => None,
        }
    }

    /// Asks for the wanted nick again, when its owner has gone or some time has passed.
    pub(crate) fn mind_nick(self: &Rc<Self>, events: &[Event<'_>]) {
        let is_wanted = {
            let state = self.state.borrow();
            let is_in = state.registration.is_signed_on() && self.options.nick_is_regained;
            if !is_in || !state.wants_other_nick() {
                return;
            }
            let mapping = state.isupport.case_mapping;
            let freed = events.iter().filter_map(freed_nick);
            freed.into_iter().any(|nick| mapping.same(nick, &state.nick_wanted))
        };
        if is_wanted {
            self.regain_nick();
        }
        self.regain_nick_later();
    }

    fn regain_nick_later(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        if state.timers.regain.as_ref().is_some_and(DelayedCall::active) {
            return;
        }
        let interval = self.options.nick_regain_interval;
        let timer = self.call_later(interval, |session| {
            if session.state.borrow().wants_other_nick() {
                session.regain_nick();
                session.regain_nick_later();
            }
        });
        state.timers.regain = Some(timer);
    }

    fn regain_nick(self: &Rc<Self>) {
        let nick = self.state.borrow().nick_wanted.clone();
        let asked = self.ask(Done::nick(&nick), Message::new("NICK").with_param(&nick));
        // Still somebody's: there is a next time.
        drop(asked.add_errback(|_| Ok(())));
    }
}

fn lag_token(count: u64) -> String {
    format!("lag{count}")
}

/// The nick that somebody does not have any more.
fn freed_nick<'a>(event: &Event<'a>) -> Option<&'a str> {
    match event {
        Event::UserQuit { user, .. } | Event::UserRenamed { user, .. } => Some(user.nick),
        _ => None,
    }
}
