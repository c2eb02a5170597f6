//! `LIST`, with what of it is wanted (ISUPPORT `ELIST=CMNTU`).

use std::time::{Duration, SystemTime};

use crate::network::ChannelInfo;
use crate::numeric;
use crate::server::request::Request;
use crate::{ChannelName, Mask, fold};

pub(crate) fn list(request: &Request<'_>) {
    let now = request.shared.server.calendar_now();
    let wanted: Vec<Wanted> = request.list(0).map(Wanted::parse).collect();
    let (names, conditions): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|wanted| matches!(wanted, Wanted::Name(_)));
    request.out.numeric(numeric::RPL_LISTSTART, &["Channel"], "Users  Name");
    let channels = request.user.list().unwrap_or_default();
    // One that is kept when all have left is made by who comes next, as others see it.
    for channel in channels.into_iter().filter(|channel| channel.members > 0) {
        let is_named = names.is_empty() || names.iter().any(|name| name.fits(&channel, now));
        if is_named && conditions.iter().all(|condition| condition.fits(&channel, now)) {
            let topic = channel.topic.as_ref().map_or("", |topic| &topic.text);
            let params = [channel.name.as_str(), &channel.members.to_string()];
            request.out.numeric(numeric::RPL_LIST, &params, topic);
        }
    }
    request.out.numeric(numeric::RPL_LISTEND, &[], "End of /LIST");
}

/// What a channel has to be to be listed.
#[derive(Debug, PartialEq)]
enum Wanted {
    /// Called so: one of several.
    Name(String),
    /// `M`: called by the mask.
    Like(Mask),
    /// `N`: not called by the mask.
    Unlike(Mask),
    /// `U`: with more members.
    MoreThan(usize),
    /// `U`: with fewer.
    LessThan(usize),
    /// `C`: made longer ago.
    OlderThan(Duration),
    /// `C`: made since.
    YoungerThan(Duration),
    /// `T`: with a topic set longer ago.
    TopicOlderThan(Duration),
    /// `T`: with a topic set since.
    TopicYoungerThan(Duration),
}

impl Wanted {
    /// Each text is something: what is no condition is a mask.
    fn parse(text: &str) -> Self {
        let count = |prefix: &str| text.strip_prefix(prefix)?.parse::<usize>().ok();
        let minutes = |prefix: &str| {
            let minutes = text.strip_prefix(prefix)?.parse::<u32>().ok()?;
            Some(Duration::from_secs(60 * u64::from(minutes)))
        };
        if let Some(mask) = text.strip_prefix('!') {
            return Self::Unlike(Mask::new(mask));
        }
        let condition = count(">")
            .map(Self::MoreThan)
            .or_else(|| count("<").map(Self::LessThan))
            .or_else(|| minutes("C>").map(Self::OlderThan))
            .or_else(|| minutes("C<").map(Self::YoungerThan))
            .or_else(|| minutes("T>").map(Self::TopicOlderThan))
            .or_else(|| minutes("T<").map(Self::TopicYoungerThan));
        condition.unwrap_or_else(|| match Mask::new(text) {
            mask if mask.has_wildcards() || !ChannelName::is_meant(text) => Self::Like(mask),
            _ => Self::Name(fold(text)),
        })
    }

    fn fits(&self, channel: &ChannelInfo, now: SystemTime) -> bool {
        let age = |at: SystemTime| now.duration_since(at).unwrap_or_default();
        let created = age(channel.created_at);
        let topic = channel.topic.as_ref().map(|topic| age(topic.at));
        match self {
            Self::Name(name) => *channel.name.folded() == **name,
            Self::Like(mask) => mask.matches(channel.name.as_str()),
            Self::Unlike(mask) => !mask.matches(channel.name.as_str()),
            Self::MoreThan(count) => channel.members > *count,
            Self::LessThan(count) => channel.members < *count,
            Self::OlderThan(time) => created > *time,
            Self::YoungerThan(time) => created < *time,
            Self::TopicOlderThan(time) => topic.is_some_and(|age| age > *time),
            Self::TopicYoungerThan(time) => topic.is_some_and(|age| age < *time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_is_read() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        for (text, wanted) in [
            (">5", Wanted::MoreThan(5)),
            ("<1", Wanted::LessThan(1)),
            ("C>60", Wanted::OlderThan(minutes(60))),
            ("C<1", Wanted::YoungerThan(minutes(1))),
            ("T>0", Wanted::TopicOlderThan(minutes(0))),
            ("T<10", Wanted::TopicYoungerThan(minutes(10))),
            ("!*x*", Wanted::Unlike(Mask::new("*x*"))),
            ("*x*", Wanted::Like(Mask::new("*x*"))),
            ("#Ropes", Wanted::Name("#ropes".into())),
            (">many", Wanted::Like(Mask::new(">many"))),
        ] {
            assert_eq!(Wanted::parse(text), wanted, "{text}");
        }
    }
}
