//! `WHOIS`, `WHOWAS`, `ISON`, `USERHOST`.

use crate::LineLimits;
use crate::network::Person;
use crate::numeric;
use crate::server::request::{About, Request, shown};
use crate::server::timestamp::{timestamp, unix_seconds};
use crate::server::words::lines_of;

/// The nickname is the last parameter; a server before it is this one.
pub(crate) fn whois(request: &Request<'_>) {
    let nick = request.message.params().get(..2).map_or(request.param(0), |both| both[1]);
    if nick.is_empty() {
        return request.out.numeric(numeric::ERR_NONICKNAMEGIVEN, &[], "No nickname given");
    }
    let shown = match request.take(request.user.whois(nick), About::nick(nick)) {
        Some(person) => {
            tell_person(request, &person);
            person.presence.identity.nick().to_string()
        }
        None => shown(nick).to_owned(),
    };
    request.out.numeric(numeric::RPL_ENDOFWHOIS, &[&shown], "End of /WHOIS list");
}

fn tell_person(request: &Request<'_>, person: &Person) {
    let (out, presence) = (request.out, &person.presence);
    let identity = &presence.identity;
    let nick = identity.nick().as_str();
    let params = [nick, identity.user(), identity.host(), "*"];
    out.numeric(numeric::RPL_WHOISUSER, &params, identity.realname());
    tell_channels(request, nick, person);
    let settings = &request.shared.settings;
    let params = [nick, settings.server_name.as_str()];
    out.numeric(numeric::RPL_WHOISSERVER, &params, &settings.network_name);
    if let Some(away) = &presence.away {
        out.numeric(numeric::RPL_AWAY, &[nick], away);
    }
    if presence.modes.operator {
        out.numeric(numeric::RPL_WHOISOPERATOR, &[nick], "is an IRC operator");
    }
    if presence.modes.bot {
        out.numeric(numeric::RPL_WHOISBOT, &[nick], "is a bot");
    }
    if let Some(account) = identity.account() {
        out.numeric(numeric::RPL_WHOISACCOUNT, &[nick, account], "is logged in as");
    }
    let now = request.shared.server.calendar_now();
    let idle = now.duration_since(person.active_at).unwrap_or_default().as_secs().to_string();
    let signed_on = unix_seconds(person.signed_on).to_string();
    out.numeric(numeric::RPL_WHOISIDLE, &[nick, &idle, &signed_on], "seconds idle, signon time");
}

fn tell_channels(request: &Request<'_>, nick: &str, person: &Person) {
    let words = person.channels.iter().map(|(name, ranks)| format!("{}{name}", ranks.prefixes()));
    for line in lines_of(words, ' ', CHANNELS_BYTES_MAX) {
        request.out.numeric(numeric::RPL_WHOISCHANNELS, &[nick], &line);
    }
}

/// Of a line, what is left for channels beside the names of the server and of two users.
const CHANNELS_BYTES_MAX: usize = LineLimits::FROM_SERVER.body_bytes_max / 2;

/// The last who were called so, at most as many as the second parameter says; all if it says nothing good.
pub(crate) fn whowas(request: &Request<'_>) {
    let nick = request.param(0);
    if nick.is_empty() {
        return request.out.numeric(numeric::ERR_NONICKNAMEGIVEN, &[], "No nickname given");
    }
    let count = request.param(1).parse().ok().filter(|count| *count > 0).unwrap_or(usize::MAX);
    let found = request.user.whowas(nick).unwrap_or_default();
    if found.is_empty() {
        let text = "There was no such nickname";
        request.out.numeric(numeric::ERR_WASNOSUCHNICK, &[shown(nick)], text);
    }
    for was in found.iter().take(count) {
        let identity = &was.identity;
        let nick = identity.nick().as_str();
        let params = [nick, identity.user(), identity.host(), "*"];
        request.out.numeric(numeric::RPL_WHOWASUSER, &params, identity.realname());
        let params = [nick, request.shared.settings.server_name.as_str()];
        request.out.numeric(numeric::RPL_WHOISSERVER, &params, &timestamp(was.until));
    }
    request.out.numeric(numeric::RPL_ENDOFWHOWAS, &[shown(nick)], "End of WHOWAS");
}

/// Nicknames may stand in one parameter or in several (RFC 2812 section 4.9).
pub(crate) fn ison(request: &Request<'_>) {
    let asked = request.message.params().iter().flat_map(|nicks| nicks.split(' '));
    let found = asked.filter_map(|nick| request.user.find(nick).ok());
    let online: Vec<String> = found.map(|presence| presence.identity.nick().to_string()).collect();
    request.out.numeric(numeric::RPL_ISON, &[], &online.join(" "));
}

/// At most five (RFC 2812 section 4.8).
pub(crate) fn userhost(request: &Request<'_>) {
    let asked = request.message.params().iter().flat_map(|nicks| nicks.split(' ')).take(5);
    let found = asked.filter_map(|nick| request.user.find(nick).ok());
    let shown: Vec<String> = found
        .map(|presence| {
            let operator = if presence.modes.operator { "*" } else { "" };
            let place = if presence.away.is_some() { '-' } else { '+' };
            let identity = presence.identity;
            let (nick, user, host) = (identity.nick(), identity.user(), identity.host());
            format!("{nick}{operator}={place}{user}@{host}")
        })
        .collect();
    request.out.numeric(numeric::RPL_USERHOST, &[], &shown.join(" "));
}
