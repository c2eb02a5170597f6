//! `OPER`, `KILL`, `WALLOPS`.

use crate::network::{Refusal, UserMode};
use crate::server::request::{About, Request};
use crate::server::settings::same_secret;
use crate::{Message, numeric};

pub(crate) fn oper(request: &Request<'_>) {
    let (name, password) = (request.param(0), request.param(1));
    let settings = &request.shared.settings;
    let is_it = |login: &&super::super::OperatorLogin| {
        login.name == name && same_secret(&login.password, password)
    };
    if settings.operators.iter().find(is_it).is_none() {
        request.out.numeric(numeric::ERR_PASSWDMISMATCH, &[], "Password incorrect");
        return request.out.note_wrong_password(settings.limits.wrong_passwords_max);
    }
    let was_one = request.user.modes().is_ok_and(|modes| modes.has(UserMode::Operator));
    if request.take(request.user.make_operator(), About::default()).is_none() {
        return;
    }
    request.out.numeric(numeric::RPL_YOUREOPER, &[], "You are now an IRC operator");
    if !was_one {
        let nick = request.out.nick();
        request.out.answer(&Message::new("MODE").with_params(&[&nick, "+o"]));
    }
}

pub(crate) fn kill(request: &Request<'_>) {
    let nick = request.param(0);
    let reason = request.message.param(1).filter(|reason| !reason.is_empty());
    let reason = reason.unwrap_or("No reason given");
    let killed = request.user.kill(request.now, nick, reason);
    // Who kills themselves has been told all.
    if killed.is_ok() && request.user.identity().is_err() {
        return;
    }
    request.take(killed, About::nick(nick));
}

pub(crate) fn wallops(request: &Request<'_>) {
    let text = request.param(0);
    if text.is_empty() {
        return request.refuse(Refusal::TextEmpty, About::default());
    }
    request.take(request.user.wallops(request.now, text), About::default());
}
