//! `NICK`, `AWAY`, `SETNAME`, and what is too late: `USER`, `PASS`.

use crate::network::Refusal;
use crate::numeric;
use crate::server::request::{About, Request};

pub(crate) fn nick(request: &Request<'_>) {
    let nick = request.param(0);
    if nick.is_empty() {
        return request.out.numeric(numeric::ERR_NONICKNAMEGIVEN, &[], "No nickname given");
    }
    request.take(request.user.rename(request.now, nick), About::nick(nick));
}

pub(crate) fn away(request: &Request<'_>) {
    let message = request.message.param(0).filter(|message| !message.is_empty());
    if request.take(request.user.set_away(request.now, message), About::default()).is_none() {
        return;
    }
    match message {
        Some(_) => {
            let text = "You have been marked as being away";
            request.out.numeric(numeric::RPL_NOWAWAY, &[], text);
        }
        None => {
            let text = "You are no longer marked as being away";
            request.out.numeric(numeric::RPL_UNAWAY, &[], text);
        }
    }
}

pub(crate) fn setname(request: &Request<'_>) {
    let realname = request.param(0);
    if realname.is_empty() {
        return invalid_realname(request);
    }
    match request.user.set_realname(request.now, realname) {
        Err(Refusal::TextTooLong(_)) => invalid_realname(request),
        set => drop(request.take(set, About::default())),
    }
}

fn invalid_realname(request: &Request<'_>) {
    let params = ["SETNAME", "INVALID_REALNAME"];
    request.out.standard("FAIL", &params, "Realname is not valid");
}

pub(crate) fn already_registered(request: &Request<'_>) {
    request.out.numeric(numeric::ERR_ALREADYREGISTERED, &[], "You may not reregister");
}
