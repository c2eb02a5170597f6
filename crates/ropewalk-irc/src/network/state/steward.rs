//! What the program itself asks and does, as nobody on the network; and what holds for users who are relayed: they are
//! on another network, and are here so that the people here see them.

use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::Time;

use super::{Member, Moment, State};
use crate::network::channel::Topic;
use crate::network::identity::line;
use crate::network::{
    ChannelFlag, Identity, MaskList, Mode, ModeChange, Network, Rank, Refusal, Server, UserId,
};

impl Network {
    /// Whether anybody may know of a channel and come to it: it is there, and is neither secret (`+s`), nor for the
    /// invited (`+i`), nor has a key (`+k`).
    pub fn is_public(&self, channel: &str) -> bool {
        self.lock().is_public(channel)
    }

    /// Sets a flag of a channel, or takes it back, before anybody is there: nobody is told.
    ///
    /// # Errors
    /// `NoSuchChannel`.
    pub fn set_flag(&self, channel: &str, flag: ChannelFlag, on: bool) -> Result<(), Refusal> {
        self.lock().channel_mut(channel)?.modes.set(flag, on);
        Ok(())
    }

    /// Gives a channel the topic that somebody had set before this network was there; nobody is told. What is too long
    /// is cut.
    ///
    /// # Errors
    /// `NoSuchChannel`.
    pub fn remember_topic(
        &self,
        channel: &str,
        topic: &str,
        by: &str,
        at: SystemTime,
    ) -> Result<(), Refusal> {
        let text: Arc<str> = line(topic, self.limits().topic_bytes_max).into();
        let topic = (!text.is_empty()).then(|| Topic { text, by: by.into(), at });
        self.lock().channel_mut(channel)?.topic = topic;
        Ok(())
    }
}

/// How a channel was made what it is.
#[derive(Clone, Debug)]
pub struct ChannelState {
    /// When it was made.
    pub created_at: SystemTime,
    /// All that would have to be set on a new one, and taken back: every flag, the key, the limit, the lists, and
    /// what its members are.
    pub changes: Vec<ModeChange>,
}

impl Network {
    /// How a channel was made what it is; `None` if there is none.
    pub fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        self.lock().channel_state(channel)
    }

    /// Who is on a channel, by nickname; nobody, if there is none.
    pub fn members(&self, channel: &str) -> Vec<Arc<Identity>> {
        self.lock().members(channel)
    }

    /// When a channel was made; `None` if there is none.
    pub fn created_at(&self, channel: &str) -> Option<SystemTime> {
        self.lock().channel(channel).ok().map(|channel| channel.created_at)
    }

    /// Says when a channel was made that has been on another network before.
    ///
    /// # Errors
    /// `NoSuchChannel`.
    pub fn set_created_at(&self, channel: &str, at: SystemTime) -> Result<(), Refusal> {
        self.lock().channel_mut(channel)?.created_at = at;
        Ok(())
    }
}

impl State {
    fn members(&self, channel: &str) -> Vec<Arc<Identity>> {
        let Ok(channel) = self.channel(channel) else { return Vec::new() };
        let users = channel.members.keys().filter_map(|id| self.users.get(id));
        let mut members: Vec<Arc<Identity>> = users.map(|user| user.identity.clone()).collect();
        members.sort_by(|one, other| one.nick.cmp(&other.nick));
        members
    }

    fn channel_state(&self, channel: &str) -> Option<ChannelState> {
        let channel = self.channel(channel).ok()?;
        let flags = ChannelFlag::ALL.map(|flag| (channel.modes.has(flag), Mode::Flag(flag)));
        let lists = [MaskList::Bans, MaskList::Exceptions, MaskList::Invitations];
        let masks = lists.into_iter().flat_map(|list| {
            let masks = channel.list(list).iter();
            masks.map(move |entry| Mode::Mask(list, entry.mask.as_str().into()))
        });
        let ranks = channel.members.iter().flat_map(|(id, ranks)| {
            let nick = self.users.get(id).map(|user| Arc::<str>::from(user.identity.nick.as_str()));
            let has = [(ranks.operator, Rank::Operator), (ranks.voice, Rank::Voice)];
            let has = has.into_iter().filter(|(has, _)| *has);
            has.filter_map(move |(_, rank)| Some(Mode::Rank(rank, nick.clone()?)))
        });
        let key = channel.modes.key.clone().map(Mode::Key);
        let limit = channel.modes.limit.map(Mode::Limit);
        let set = key.into_iter().chain(limit).chain(masks).chain(ranks);
        let all = flags.into_iter().chain(set.map(|mode| (true, mode)));
        Some(ChannelState {
            created_at: channel.created_at,
            changes: all.map(|(adds, mode)| ModeChange { adds, mode }).collect(),
        })
    }
}

impl Member {
    /// Whether another network has looked at what they may do, and how fast.
    pub(super) fn is_relayed(&self) -> bool {
        self.pace.is_none()
    }
}

impl Server {
    /// Has a user of this network called something else, as if they had taken that name, but not counted.
    ///
    /// # Errors
    /// `BadNick`, `NickTaken`; `NotConnected` if they are not there.
    pub fn rename(&self, now: Time, who: UserId, nick: &str) -> Result<(), Refusal> {
        let at = self.moment(now);
        let renamed = self.change(|state| state.rename_uncounted(who, nick, at));
        self.tell_posted();
        renamed
    }
}

impl State {
    fn rename_uncounted(&mut self, who: UserId, nick: &str, at: Moment) -> Result<(), Refusal> {
        let pace = self.user_mut(who)?.pace.take();
        let renamed = self.rename(who, nick, at);
        if let Ok(user) = self.user_mut(who) {
            user.pace = pace;
        }
        renamed
    }

    fn is_public(&self, channel: &str) -> bool {
        let hides = [ChannelFlag::Secret, ChannelFlag::InviteOnly];
        self.channel(channel).is_ok_and(|channel| {
            channel.modes.key.is_none() && !hides.iter().any(|flag| channel.modes.has(*flag))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::network::{Listener, Mode, ModeChange, NetworkLimits, Notice, Registration, Speech};

    struct Deaf;

    impl Listener for Deaf {
        fn notified(&self, _: &Notice) {}
    }

    #[test]
    fn a_channel_is_public_if_all_may_know_of_it_and_come() {
        let network = Network::new(NetworkLimits::default());
        let server = Server::on(&network);
        let alice = server.connect(Time::START, &Registration::new("alice"), Rc::new(Deaf));
        let alice = alice.expect("nobody is called so");
        assert!(!network.is_public("#den"), "it is not there");
        alice.join(Time::START, "#den", None).expect("all may");
        assert!(network.is_public("#DEN"));
        for flag in [ChannelFlag::Secret, ChannelFlag::InviteOnly] {
            network.set_flag("#den", flag, true).expect("it is there");
            assert!(!network.is_public("#den"));
            network.set_flag("#den", flag, false).expect("it is there");
        }
        assert!(network.is_public("#den"));
        assert_eq!(
            network.set_flag("#nowhere", ChannelFlag::Secret, true),
            Err(Refusal::NoSuchChannel)
        );
    }

    #[test]
    fn who_is_relayed_is_not_refused_what_the_other_network_has_allowed() {
        let network = Network::new(NetworkLimits::default());
        let server = Server::on(&network);
        let now = Time::START;
        let alice = server.connect(now, &Registration::new("alice"), Rc::new(Deaf));
        let alice = alice.expect("nobody is called so");
        alice.join(now, "#den", None).expect("all may");
        let close = [ChannelFlag::InviteOnly, ChannelFlag::Moderated].map(Mode::Flag);
        let close = close.map(|mode| ModeChange { adds: true, mode });
        alice.set_modes(now, "#den", &close).expect("it is hers");
        let bob = Registration { is_relayed: true, ..Registration::new("bob") };
        let bob = server.connect(now, &bob, Rc::new(Deaf));
        let bob = bob.expect("nobody is called so");
        bob.join(now, "#den", None).expect("he is there");
        for _ in 0..1_000 {
            bob.say(now, "#den", Speech::message("x")).expect("he has said it");
        }
        bob.set_topic(now, "#den", "ropes").expect("he has set it");
        bob.kick(now, "#den", "alice", "").expect("he has done it");
        assert_eq!(server.rename(now, alice.id(), "BOB"), Err(Refusal::NickTaken));
        for number in 0..100 {
            server.rename(now, alice.id(), &format!("alice-{number}")).expect("it is free");
        }
        assert_eq!(alice.identity().expect("she is there").nick().as_str(), "alice-99");
    }

    #[test]
    fn a_channel_can_be_made_again_as_it_is() {
        let (one, other) =
            (Network::new(NetworkLimits::default()), Network::new(NetworkLimits::default()));
        let now = Time::START;
        let changes =
            |network: &Network| network.channel_state("#den").expect("it is there").changes;
        let [alice, again] = [&one, &other].map(|network| {
            let server = Server::on(network);
            let alice = server.connect(now, &Registration::new("alice"), Rc::new(Deaf));
            let alice = alice.expect("nobody is called so");
            alice.join(now, "#den", None).expect("all may");
            (server, alice)
        });
        let set = [
            Mode::Flag(ChannelFlag::Secret),
            Mode::Key("sesame".into()),
            Mode::Limit(9),
            Mode::Mask(MaskList::Bans, "*!*@evil".into()),
            Mode::Rank(Rank::Voice, "alice".into()),
        ];
        let set = set.map(|mode| ModeChange { adds: true, mode });
        alice.1.set_modes(now, "#den", &set).expect("it is hers");
        let topic = ModeChange { adds: false, mode: Mode::Flag(ChannelFlag::TopicLocked) };
        alice.1.set_modes(now, "#den", &[topic]).expect("it is hers");
        assert_ne!(changes(&one), changes(&other));
        let refused = again.1.set_modes(now, "#den", &changes(&one)).expect("it is hers");
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(changes(&one), changes(&other));
        assert!(one.channel_state("#nowhere").is_none());
    }
}
