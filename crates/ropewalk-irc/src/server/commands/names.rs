//! `NAMES`.

use crate::LineLimits;
use crate::network::{ChannelFlag, Presence};
use crate::numeric;
use crate::server::capability::Capability;
use crate::server::request::{Request, shown};
use crate::server::words::lines_of;

pub(crate) fn names(request: &Request<'_>) {
    if request.param(0).is_empty() {
        // All of a large network would be more than anybody reads.
        return tell_end(request, "*");
    }
    for channel in request.targets().unwrap_or_default() {
        tell_names(request, channel);
    }
}

/// The members of a channel, in as many lines as it takes. Of one that is not there, or not to be seen, there are
/// none.
pub(crate) fn tell_names(request: &Request<'_>, channel: &str) {
    let (Ok(found), Ok(members)) = (request.user.channel(channel), request.user.names(channel))
    else {
        return tell_end(request, channel);
    };
    let symbol = if found.modes.has(ChannelFlag::Secret) { "@" } else { "=" };
    let channel = found.name.as_str();
    let head = ":  353   = :\r\n".len()
        + request.shared.settings.server_name.len()
        + request.out.nick().len()
        + channel.len();
    let room = LineLimits::FROM_SERVER.body_bytes_max.saturating_sub(head);
    let words = members.iter().map(|member| shown_member(request, member));
    for line in lines_of(words, ' ', room) {
        request.out.numeric(numeric::RPL_NAMREPLY, &[symbol, channel], &line);
    }
    tell_end(request, channel);
}

fn shown_member(request: &Request<'_>, member: &Presence) -> String {
    let ranks = member.channel.as_ref().map(|(_, ranks)| *ranks).unwrap_or_default();
    let has_all = request.out.has(Capability::MultiPrefix);
    let prefix = if has_all { ranks.prefixes() } else { ranks.prefix() };
    if request.out.has(Capability::UserhostInNames) {
        format!("{prefix}{}", member.identity)
    } else {
        format!("{prefix}{}", member.identity.nick())
    }
}

fn tell_end(request: &Request<'_>, channel: &str) {
    request.out.numeric(numeric::RPL_ENDOFNAMES, &[shown(channel)], "End of /NAMES list");
}
