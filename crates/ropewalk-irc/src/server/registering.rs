//! [`Registering`]: what a client has told before it is a user; `PASS`, `NICK`, `USER`, `CAP`.

use std::net::IpAddr;
use std::rc::Rc;

use ropewalk_core::{Address, Cx};

use super::capability::{Capabilities, Capability};
use super::listener::IrcListener;
use super::request::{need_more_params, numeric_of, shown};
use super::session::{IrcSession, Stage, complain_unknown};
use super::settings::same_secret;
use super::{ProxiedPeer, commands};
use crate::network::{Refusal, Registration};
use crate::{Message, numeric};

/// What a client has told so far.
#[derive(Default)]
pub(crate) struct Registering {
    nick: Option<String>,
    /// User name and real name.
    user: Option<(String, String)>,
    password: Option<String>,
    /// It has begun to ask for capabilities, and not said `CAP END`.
    is_negotiating: bool,
}

impl IrcSession {
    /// A command of a client that is not registered.
    pub(crate) fn run_registering(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        match message.command().to_ascii_uppercase().as_str() {
            "PASS" => self.take_password(message),
            "NICK" => self.take_nick(message),
            "USER" => self.take_user(message),
            _ if commands::find(message.command()).is_some() => {
                self.out.numeric(numeric::ERR_NOTREGISTERED, &[], "You have not registered");
            }
            _ => complain_unknown(&self.out, message.command()),
        }
        self.try_to_enter(cx);
    }

    fn registering(&mut self) -> Option<&mut Registering> {
        match &mut self.stage {
            Stage::Registering(registering) => Some(registering),
            _ => None,
        }
    }

    fn take_password(&mut self, message: &Message<'_>) {
        let Some(password) = message.param(0).filter(|password| !password.is_empty()) else {
            return need_more_params(&self.out, "PASS");
        };
        if let Some(registering) = self.registering() {
            registering.password = Some(password.to_owned());
        }
    }

    fn take_nick(&mut self, message: &Message<'_>) {
        let Some(nick) = message.param(0).filter(|nick| !nick.is_empty()) else {
            return self.out.numeric(numeric::ERR_NONICKNAMEGIVEN, &[], "No nickname given");
        };
        match self.shared.server.check_nick(nick) {
            Err(refusal) => self.complain_nick(nick, refusal),
            Ok(()) => {
                if let Some(registering) = self.registering() {
                    registering.nick = Some(nick.to_owned());
                }
            }
        }
    }

    fn complain_nick(&self, nick: &str, refusal: Refusal) {
        let (numeric, text) = numeric_of(refusal);
        self.out.numeric(numeric, &[shown(nick)], text);
    }

    fn take_user(&mut self, message: &Message<'_>) {
        let (user, realname) = match message.params() {
            [user, _, _, realname, ..] if !user.is_empty() && !realname.is_empty() => {
                (*user, *realname)
            }
            _ => return need_more_params(&self.out, "USER"),
        };
        if let Some(registering) = self.registering() {
            registering.user = Some((format!("~{user}"), realname.to_owned()));
        }
    }

    /// Comes to the network, if all is told that has to be.
    pub(crate) fn try_to_enter(&mut self, cx: &Cx<'_>) {
        let account = self.sasl.account().map(str::to_owned);
        let host = self.host();
        let password = self.shared.settings.password.clone();
        let Some(told) = self.registering().filter(|told| !told.is_negotiating) else { return };
        let (Some(nick), Some((user, realname))) = (&told.nick, &told.user) else { return };
        if let Some(password) = password
            && !same_secret(told.password.as_deref().unwrap_or_default(), &password)
        {
            self.out.numeric(numeric::ERR_PASSWDMISMATCH, &[], "Password incorrect");
            return self.out.end_with("Password incorrect");
        }
        let registration = Registration {
            nick: nick.clone(),
            user: user.clone(),
            host,
            realname: realname.clone(),
            account,
            is_relayed: false,
        };
        self.connect(cx, &registration);
    }

    fn connect(&mut self, cx: &Cx<'_>, registration: &Registration) {
        let listener = Rc::new(IrcListener::new(self.out.clone()));
        match self.shared.server.connect(cx.now(), registration, listener) {
            Ok(user) => {
                self.out.set_nick(&registration.nick);
                self.enter(cx, user);
            }
            Err(refusal @ (Refusal::NickTaken | Refusal::BadNick(_))) => {
                // Somebody was faster: another nickname has to be told.
                self.complain_nick(&registration.nick, refusal);
                if let Some(registering) = self.registering() {
                    registering.nick = None;
                }
            }
            Err(refusal) => self.out.end_with(&refusal.to_string()),
        }
    }

    /// Where the client is, as others see it.
    fn host(&self) -> String {
        let transport = self.out.transport();
        let proxied = transport.kept::<ProxiedPeer>().and_then(|peer| peer.address());
        match proxied.map_or_else(|| transport.peer(), Address::Ip) {
            peer @ Address::Ip(_) if self.shared.settings.hides_hosts => {
                self.shared.server.network().hidden_host(&peer, "irc")
            }
            Address::Ip(address) => shown_address(address.ip()),
            _ => "localhost".into(),
        }
    }

    /// `CAP` (IRCv3 capability negotiation).
    pub(crate) fn negotiate(&mut self, cx: &Cx<'_>, message: &Message<'_>) {
        let Some(subcommand) = message.param(0) else { return need_more_params(&self.out, "CAP") };
        let subcommand = subcommand.to_ascii_uppercase();
        let opens = matches!(subcommand.as_str(), "LS" | "REQ");
        if let Some(registering) = self.registering().filter(|_| opens) {
            registering.is_negotiating = true;
        }
        match subcommand.as_str() {
            "LS" => self.list_offered(message.param(1).unwrap_or_default()),
            "LIST" => self.list_capabilities("LIST", self.out.caps(), false),
            "REQ" => self.request_capabilities(message.param(1).unwrap_or_default()),
            "END" => {
                if let Some(registering) = self.registering() {
                    registering.is_negotiating = false;
                }
                self.abort_sasl();
                self.try_to_enter(cx);
            }
            _ => {
                let params = [shown(&subcommand)];
                self.out.numeric(numeric::ERR_INVALIDCAPCMD, &params, "Invalid CAP command");
            }
        }
    }

    fn list_offered(&self, version: &str) {
        let is_302 = version.parse::<u32>().is_ok_and(|version| version >= 302);
        if is_302 {
            let mut caps = self.out.caps();
            caps.set(Capability::CapNotify, true);
            self.out.set_caps(caps);
        }
        self.list_capabilities("LS", self.shared.offered(), is_302);
    }

    /// All fit into one line: their names are known.
    fn list_capabilities(&self, subcommand: &str, caps: Capabilities, with_values: bool) {
        let shown = |capability: Capability| match capability.value().filter(|_| with_values) {
            Some(value) => format!("{}={value}", capability.name()),
            None => capability.name().to_owned(),
        };
        let list: Vec<String> = caps.iter().map(shown).collect();
        let nick = self.out.nick();
        let message = Message::new("CAP").with_param(&nick).with_param(subcommand);
        self.out.answer(&message.with_trailing(&list.join(" ")));
    }

    /// All of what is asked for, or nothing.
    fn request_capabilities(&self, list: &str) {
        let mut caps = self.out.caps();
        let is_known = list.split_ascii_whitespace().all(|word| {
            let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            let known = Capability::named(name).filter(|known| self.shared.offered().has(*known));
            known.is_some_and(|known| {
                // Who knows version 302 cannot do without (IRCv3, "cap-notify").
                caps.set(known, on || known == Capability::CapNotify);
                true
            })
        });
        if is_known {
            self.out.set_caps(caps);
        }
        let nick = self.out.nick();
        let answer = if is_known { "ACK" } else { "NAK" };
        let message = Message::new("CAP").with_params(&[&nick, answer]);
        self.out.answer(&message.with_trailing(list));
    }
}

/// An address as one parameter of a line: one that begins with a colon would be the rest of it.
fn shown_address(address: IpAddr) -> String {
    let text = address.to_canonical().to_string();
    if text.starts_with(':') { format!("0{text}") } else { text }
}
