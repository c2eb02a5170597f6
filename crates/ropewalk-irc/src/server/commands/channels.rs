//! `JOIN`, `PART`, `KICK`.

use super::names::tell_names;
use super::topics::tell_topic;
use crate::network::Refusal;
use crate::server::capability::Capability;
use crate::server::request::{About, Request};

pub(crate) fn join(request: &Request<'_>) {
    if request.param(0).is_empty() {
        return request.need_more_params();
    }
    if request.param(0) == "0" {
        return part_all(request);
    }
    let mut keys = request.param(1).split(',');
    for channel in request.list(0) {
        join_one(request, channel, keys.next().filter(|key| !key.is_empty()));
    }
}

/// Puts the client on one channel, and tells it what it has to know of it.
pub(crate) fn join_one(request: &Request<'_>, channel: &str, key: Option<&str>) {
    let joined = match request.user.join(request.now, channel, key) {
        // As all servers do: it is no mistake, and no news.
        Err(Refusal::AlreadyOnChannel) => return,
        joined => joined,
    };
    let Some(channel) = request.take(joined, About::channel(channel)) else { return };
    if let Ok(Some(topic)) = request.user.topic(channel.as_str()) {
        tell_topic(request, channel.as_str(), &topic);
    }
    if !request.out.has(Capability::NoImplicitNames) {
        tell_names(request, channel.as_str());
    }
}

/// `JOIN 0` (RFC 2812 section 3.2.1).
fn part_all(request: &Request<'_>) {
    for channel in request.user.channels().unwrap_or_default() {
        let parted = request.user.part(request.now, channel.as_str(), "");
        request.take(parted, About::channel(channel.as_str()));
    }
}

pub(crate) fn part(request: &Request<'_>) {
    if request.param(0).is_empty() {
        return request.need_more_params();
    }
    for channel in request.list(0) {
        let parted = request.user.part(request.now, channel, request.param(1));
        request.take(parted, About::channel(channel));
    }
}

/// One channel and any number of users, or as many channels as users (RFC 2812 section 3.2.8).
pub(crate) fn kick(request: &Request<'_>) {
    let channels: Vec<&str> = request.list(0).collect();
    let nicks: Vec<&str> = request.list(1).collect();
    if nicks.is_empty() || (channels.len() != 1 && channels.len() != nicks.len()) {
        return request.need_more_params();
    }
    for (nick, channel) in nicks.into_iter().zip(channels.iter().cycle()) {
        let kicked = request.user.kick(request.now, channel, nick, request.param(2));
        request.take(kicked, About { nick, channel });
    }
}
