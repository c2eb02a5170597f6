//! `INVITE`.

use crate::numeric;
use crate::server::request::{About, Request};

pub(crate) fn invite(request: &Request<'_>) {
    let [nick, channel, ..] = request.message.params() else {
        return match request.message.params() {
            [] => list_invitations(request),
            _ => request.need_more_params(),
        };
    };
    let invited = request.user.invite(request.now, nick, channel);
    let Some(channel) = request.take(invited, About { nick, channel }) else { return };
    let Ok(guest) = request.user.find(nick) else { return };
    let nick = guest.identity.nick().as_str();
    request.out.numeric_of(numeric::RPL_INVITING, &[nick, channel.as_str()]);
    if let Some(away) = guest.away {
        request.out.numeric(numeric::RPL_AWAY, &[nick], &away);
    }
}

fn list_invitations(request: &Request<'_>) {
    for channel in request.user.invitations().unwrap_or_default() {
        request.out.numeric_of(numeric::RPL_INVITELIST_OWN, &[channel.as_str()]);
    }
    request.out.numeric(numeric::RPL_ENDOFINVITELIST_OWN, &[], "End of /INVITE list");
}
