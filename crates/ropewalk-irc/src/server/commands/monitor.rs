//! `MONITOR` (IRCv3 monitor).

use crate::network::Refusal;
use crate::numeric;
use crate::server::request::{About, Request};
use crate::server::words::lines_of;

pub(crate) fn monitor(request: &Request<'_>) {
    match request.param(0) {
        "+" if !request.param(1).is_empty() => add(request),
        "-" if !request.param(1).is_empty() => {
            for nick in request.list(1) {
                let _ = request.user.unwatch(nick); // What cannot be a name is not watched.
            }
        }
        "C" | "c" => {
            for nick in request.user.watched().unwrap_or_default() {
                let _ = request.user.unwatch(nick.as_str()); // It is a good name.
            }
        }
        "L" | "l" => {
            let watched = request.user.watched().unwrap_or_default();
            tell_all(request, numeric::RPL_MONLIST, watched.iter().map(ToString::to_string));
            request.out.numeric(numeric::RPL_ENDOFMONLIST, &[], "End of MONITOR list");
        }
        "S" | "s" => {
            let watched = request.user.watched().unwrap_or_default();
            tell_states(request, watched.iter().map(|nick| nick.as_str()));
        }
        _ => request.need_more_params(),
    }
}

fn add(request: &Request<'_>) {
    let mut added = Vec::new();
    let mut asked = request.list(1);
    for nick in asked.by_ref() {
        match request.user.watch(nick) {
            Ok(()) => added.push(nick),
            Err(Refusal::BadNick(_)) => {} // A mask, say: nobody can be called so.
            Err(refusal @ Refusal::TooManyWatched(_)) => {
                let rest: Vec<&str> = [nick].into_iter().chain(asked).collect();
                request.refuse(refusal, About::nick(&rest.join(",")));
                break;
            }
            Err(refusal) => return request.refuse(refusal, About::nick(nick)),
        }
    }
    tell_states(request, added.into_iter());
}

fn tell_states<'a>(request: &Request<'_>, nicks: impl Iterator<Item = &'a str>) {
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    for nick in nicks {
        match request.user.find(nick) {
            Ok(presence) => online.push(presence.identity.to_string()),
            Err(_) => offline.push(nick.to_owned()),
        }
    }
    tell_all(request, numeric::RPL_MONONLINE, online.into_iter());
    tell_all(request, numeric::RPL_MONOFFLINE, offline.into_iter());
}

/// In as many lines as it takes.
fn tell_all(request: &Request<'_>, numeric: &str, words: impl Iterator<Item = String>) {
    for line in lines_of(words, ',', WORDS_BYTES_MAX) {
        request.out.numeric(numeric, &[], &line);
    }
}

/// Of a line, what is left beside the names of the server and of the user.
const WORDS_BYTES_MAX: usize = 300;
