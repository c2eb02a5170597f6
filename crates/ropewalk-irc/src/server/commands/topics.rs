//! `TOPIC`.

use crate::network::Topic;
use crate::numeric;
use crate::server::request::{About, Request};
use crate::server::timestamp::unix_seconds;

pub(crate) fn topic(request: &Request<'_>) {
    let channel = request.param(0);
    if let Some(topic) = request.message.param(1) {
        let set = request.user.set_topic(request.now, channel, topic);
        request.take(set, About::channel(channel));
        return;
    }
    let Some(found) = request.take(request.user.channel(channel), About::channel(channel)) else {
        return;
    };
    match found.topic {
        Some(topic) => tell_topic(request, found.name.as_str(), &topic),
        None => {
            request.out.numeric(numeric::RPL_NOTOPIC, &[found.name.as_str()], "No topic is set")
        }
    }
}

pub(crate) fn tell_topic(request: &Request<'_>, channel: &str, topic: &Topic) {
    request.out.numeric(numeric::RPL_TOPIC, &[channel], &topic.text);
    let at = unix_seconds(topic.at).to_string();
    request.out.numeric_of(numeric::RPL_TOPICWHOTIME, &[channel, &topic.by, &at]);
}
