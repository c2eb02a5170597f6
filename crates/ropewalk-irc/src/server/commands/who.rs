//! `WHO`, and with fields of one's choice (WHOX).

use crate::network::{Presence, Ranks};
use crate::server::capability::Capability;
use crate::server::request::{Request, is_channel, shown};
use crate::{Mask, numeric};

pub(crate) fn who(request: &Request<'_>) {
    let mask = request.param(0);
    let options = Options::parse(request.param(1));
    for presence in found(request, mask) {
        if presence.modes.operator || !options.only_operators {
            match &options.fields {
                None => tell(request, &presence),
                Some(fields) => tell_fields(request, &presence, fields, options.token),
            }
        }
    }
    request.out.numeric(numeric::RPL_ENDOFWHO, &[shown(mask)], "End of /WHO list");
}

/// Those on a channel, or whom a mask means; all, if nothing is said. What is not there is nobody.
fn found(request: &Request<'_>, mask: &str) -> Vec<Presence> {
    let found = if is_channel(mask) {
        request.user.names(mask)
    } else {
        let mask = if matches!(mask, "" | "0") { "*" } else { mask };
        request.user.who(&Mask::new(mask))
    };
    found.unwrap_or_default()
}

/// What stands behind the mask: `o`, `%fields,token`, or both.
struct Options<'a> {
    only_operators: bool,
    fields: Option<&'a str>,
    token: &'a str,
}

impl<'a> Options<'a> {
    fn parse(text: &'a str) -> Self {
        let (flags, fields) = match text.split_once('%') {
            Some((flags, fields)) => (flags, Some(fields)),
            None => (text, None),
        };
        let (fields, token) = match fields.and_then(|fields| fields.split_once(',')) {
            Some((fields, token)) => (Some(fields), token),
            None => (fields, "0"),
        };
        let is_token = (1..=3).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_digit());
        let token = if is_token { token } else { "0" };
        Self { only_operators: flags.contains('o'), fields, token }
    }
}

fn tell(request: &Request<'_>, presence: &Presence) {
    let identity = &presence.identity;
    let flags = flags(request, presence);
    let params = [
        channel(presence),
        identity.user(),
        identity.host(),
        &request.shared.settings.server_name,
        identity.nick().as_str(),
        &flags,
    ];
    let text = format!("0 {}", identity.realname());
    request.out.numeric(numeric::RPL_WHOREPLY, &params, &text);
}

/// In the order of WHOX, whatever the order in which they were asked for.
fn tell_fields(request: &Request<'_>, presence: &Presence, fields: &str, token: &str) {
    let identity = &presence.identity;
    let flags = flags(request, presence);
    let mut params = Vec::new();
    for field in "tcuihsnfdlaor".chars().filter(|field| fields.contains(*field)) {
        params.push(match field {
            't' => token,
            'c' => channel(presence),
            'u' => identity.user(),
            'i' => "255.255.255.255", // What it is is nobody's business.
            'h' => identity.host(),
            's' => &request.shared.settings.server_name,
            'n' => identity.nick().as_str(),
            'f' => &flags,
            'a' => identity.account().unwrap_or("0"),
            'o' => "n/a",
            'r' => identity.realname(),
            _ => "0", // Hops, and seconds of silence, which WHOIS tells.
        });
    }
    match params.split_last() {
        Some((realname, params)) if fields.contains('r') => {
            request.out.numeric(numeric::RPL_WHOSPCRPL, params, realname);
        }
        _ => request.out.numeric_of(numeric::RPL_WHOSPCRPL, &params),
    }
}

fn channel(presence: &Presence) -> &str {
    presence.channel.as_ref().map_or("*", |(name, _)| name.as_str())
}

/// `H` or `G` for here or gone, `*` for an operator of the network, the ranks, `B` for a program.
fn flags(request: &Request<'_>, presence: &Presence) -> String {
    let ranks = presence.channel.as_ref().map_or(Ranks::NONE, |(_, ranks)| *ranks);
    let has_all = request.out.has(Capability::MultiPrefix);
    let place = if presence.away.is_some() { "G" } else { "H" };
    let operator = if presence.modes.operator { "*" } else { "" };
    let prefix = if has_all { ranks.prefixes() } else { ranks.prefix() };
    let bot = if presence.modes.bot { "B" } else { "" };
    [place, operator, prefix, bot].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_form() {
        for (text, expected) in [
            ("", (false, None, "0")),
            ("o", (true, None, "0")),
            ("%nu", (false, Some("nu"), "0")),
            ("o%tn,42", (true, Some("tn"), "42")),
            ("%tn,1234", (false, Some("tn"), "0")),
            ("%tn,", (false, Some("tn"), "0")),
        ] {
            let options = Options::parse(text);
            let read = (options.only_operators, options.fields, options.token);
            assert_eq!(read, expected, "{text}");
        }
    }
}
