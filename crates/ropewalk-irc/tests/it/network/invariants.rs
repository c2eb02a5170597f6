//! Whatever users do, in whatever order and on two threads, the tables agree with each other and with what was told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proptest::prelude::*;
use ropewalk_irc::network::{
    ChannelFlag, Event, Listener, MaskList, Mode, ModeChange, Network, NetworkLimits, Notice, Rank,
    Registration, Speech, User, UserId,
};

use super::Stage;
use super::threads::relay;

/// Who is on which of the user's channels, as far as the user was told.
#[derive(Default)]
struct Model {
    me: Cell<Option<UserId>>,
    channels: RefCell<BTreeMap<String, BTreeSet<UserId>>>,
    /// What was told wrongly.
    complaints: RefCell<Vec<String>>,
}

impl Model {
    fn expect(&self, holds: bool, what: &str, notice: &Notice) {
        if !holds {
            self.complaints.borrow_mut().push(format!("{what}: {:?}", notice.event()));
        }
    }

    fn hear(&self, notice: &Notice) {
        let (source, event) = (notice.source().id(), notice.event());
        match event {
            Event::Joined { channel, .. } => self.put_on(channel.as_str(), source, notice),
            Event::Parted { channel, .. } => self.take_off(channel.as_str(), source, notice),
            Event::Kicked { channel, who, .. } => self.take_off(channel.as_str(), who.id(), notice),
            Event::Quit { .. } => {
                let mut channels = self.channels.borrow_mut();
                let mut is_known = false;
                channels.values_mut().for_each(|members| is_known |= members.remove(&source));
                self.expect(is_known, "a stranger has quit", notice);
            }
            // Who is outside hears what they said themselves, and whom they are invited by.
            Event::Invited { .. } => {}
            _ if self.me.get() == Some(source) => {}
            _ => {
                let channel = event.channel().map(|channel| channel.as_str());
                let is_there = |name| self.channels.borrow().contains_key(name);
                self.expect(channel.is_none_or(is_there), "told from outside", notice);
            }
        }
    }

    fn put_on(&self, channel: &str, who: UserId, notice: &Notice) {
        let mut channels = self.channels.borrow_mut();
        let is_new = if self.me.get() == Some(who) {
            channels.insert(channel.into(), BTreeSet::from([who])).is_none()
        } else {
            channels.get_mut(channel).is_some_and(|members| members.insert(who))
        };
        self.expect(is_new, "joined twice, or where the user is not", notice);
    }

    fn take_off(&self, channel: &str, who: UserId, notice: &Notice) {
        let mut channels = self.channels.borrow_mut();
        let was_on = channels.get_mut(channel).is_some_and(|members| members.remove(&who));
        if self.me.get() == Some(who) {
            channels.remove(channel);
        }
        self.expect(was_on, "off without being on", notice);
    }
}

impl Listener for Model {
    fn notified(&self, notice: &Notice) {
        if !matches!(notice.event(), Event::Killed { .. }) {
            self.hear(notice);
        }
    }

    fn echoed(&self, notice: &Notice) {
        self.hear(notice);
    }
}

/// One of a few users, who may have left.
struct Slot {
    stage: usize,
    user: Option<User>,
    model: Rc<Model>,
}

#[derive(Clone, Debug)]
enum Deed {
    Enter { nick: usize },
    Join { channel: usize },
    Part { channel: usize },
    Kick { channel: usize, nick: usize },
    Invite { channel: usize, nick: usize },
    Say { channel: usize },
    Tell { nick: usize },
    Rename { nick: usize },
    Away(bool),
    Topic { channel: usize },
    Mode { channel: usize, adds: bool, mode: usize, nick: usize },
    Operator,
    Kill { nick: usize },
    Watch { nick: usize },
    Quit,
    Relay,
}

const NICKS: [&str; 5] = ["ann", "Bob", "BOB", "carl", "Dora"];
const CHANNELS: [&str; 4] = ["#one", "#ONE", "#two", "#kept"];

fn deed() -> impl Strategy<Value = Deed> {
    let (nick, channel) = (0..NICKS.len(), 0..CHANNELS.len());
    prop_oneof![
        4 => nick.clone().prop_map(|nick| Deed::Enter { nick }),
        6 => channel.clone().prop_map(|channel| Deed::Join { channel }),
        2 => channel.clone().prop_map(|channel| Deed::Part { channel }),
        2 => (channel.clone(), nick.clone()).prop_map(|(channel, nick)| Deed::Kick { channel, nick }),
        1 => (channel.clone(), nick.clone()).prop_map(|(channel, nick)| Deed::Invite { channel, nick }),
        3 => channel.clone().prop_map(|channel| Deed::Say { channel }),
        1 => nick.clone().prop_map(|nick| Deed::Tell { nick }),
        2 => nick.clone().prop_map(|nick| Deed::Rename { nick }),
        1 => any::<bool>().prop_map(Deed::Away),
        1 => channel.clone().prop_map(|channel| Deed::Topic { channel }),
        3 => (channel, any::<bool>(), 0..10_usize, nick.clone())
            .prop_map(|(channel, adds, mode, nick)| Deed::Mode { channel, adds, mode, nick }),
        1 => Just(Deed::Operator),
        1 => nick.clone().prop_map(|nick| Deed::Kill { nick }),
        1 => nick.prop_map(|nick| Deed::Watch { nick }),
        1 => Just(Deed::Quit),
        3 => Just(Deed::Relay),
    ]
}

fn mode(number: usize, nick: usize) -> Mode {
    match number {
        0..=5 => Mode::Flag(ChannelFlag::ALL[number]),
        6 => Mode::Key("key".into()),
        7 => Mode::Limit(2),
        8 => Mode::Mask(MaskList::Bans, NICKS[nick].into()),
        _ => Mode::Rank(Rank::Operator, NICKS[nick].into()),
    }
}

/// What cannot be done is refused, which is as good.
fn run(stages: &[Stage; 2], slot: &mut Slot, deed: &Deed) {
    let stage = &stages[slot.stage];
    let now = stage.now();
    if let Deed::Relay = deed {
        return relay(stage);
    }
    let Some(user) = &slot.user else {
        if let Deed::Enter { nick } = deed {
            enter(stage, slot, NICKS[*nick]);
        }
        return;
    };
    match *deed {
        Deed::Enter { .. } | Deed::Relay => {}
        Deed::Join { channel } => join(stages, user, &slot.model, CHANNELS[channel]),
        Deed::Part { channel } => drop(user.part(now, CHANNELS[channel], "").is_ok()),
        Deed::Kick { channel, nick } => {
            let _ = user.kick(now, CHANNELS[channel], NICKS[nick], "");
        }
        Deed::Invite { channel, nick } => drop(user.invite(now, NICKS[nick], CHANNELS[channel])),
        Deed::Say { channel } => drop(user.say(now, CHANNELS[channel], Speech::message("x"))),
        Deed::Tell { nick } => drop(user.say(now, NICKS[nick], Speech::message("x"))),
        Deed::Rename { nick } => {
            let _ = user.rename(now, NICKS[nick]);
        }
        Deed::Away(is_away) => {
            let _ = user.set_away(now, is_away.then_some("away"));
        }
        Deed::Topic { channel } => {
            let _ = user.set_topic(now, CHANNELS[channel], "topic");
        }
        Deed::Mode { channel, adds, mode: number, nick } => {
            let change = ModeChange { adds, mode: mode(number, nick) };
            drop(user.set_modes(now, CHANNELS[channel], &[change]));
        }
        Deed::Operator => {
            let _ = user.make_operator();
        }
        Deed::Kill { nick } => {
            let _ = user.kill(now, NICKS[nick], "x");
        }
        Deed::Watch { nick } => {
            let _ = user.watch(NICKS[nick]);
        }
        Deed::Quit => slot.user.take().expect("there is one").quit("x"),
    }
}

fn enter(stage: &Stage, slot: &mut Slot, nick: &str) {
    let model = Rc::new(Model::default());
    let user = stage.server.connect(stage.now(), &Registration::new(nick), model.clone());
    if let Ok(user) = user {
        model.me.set(Some(user.id()));
        slot.model = model;
        slot.user = Some(user);
    }
}

/// Who is there already is asked, as every client does; so nothing may be untold then.
fn join(stages: &[Stage; 2], user: &User, model: &Model, channel: &str) {
    stages.iter().for_each(relay);
    let stage = &stages[0];
    let Ok(name) = user.join(stage.now(), channel, None) else { return };
    let there = user.names(name.as_str()).expect("the user is there");
    let there = there.iter().map(|presence| presence.identity.id()).collect();
    model.channels.borrow_mut().insert(name.to_string(), there);
}

/// Compares all with all, when all was told.
fn check(stages: &[Stage; 2], slots: &mut [Slot]) {
    stages.iter().for_each(relay);
    for slot in slots.iter_mut() {
        // Who was killed has only the handle left.
        slot.user.take_if(|user| user.identity().is_err());
    }
    let present: Vec<(&User, &Model)> =
        slots.iter().filter_map(|slot| Some((slot.user.as_ref()?, &*slot.model))).collect();
    assert_eq!(stages[0].server.counts().users, present.len());
    let mut on_any: BTreeSet<String> = ["#kept".to_owned()].into();
    for (user, model) in &present {
        assert_eq!(*model.complaints.borrow(), [""; 0]);
        let identity = user.identity().expect("they are there");
        let found = user.find(identity.nick().as_str()).expect("they are called so");
        assert_eq!(found.identity.id(), user.id());
        let own = user.channels().expect("they are there");
        let own: BTreeSet<String> = own.iter().map(ToString::to_string).collect();
        let told = model.channels.borrow();
        assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), own);
        for (channel, told) in told.iter() {
            let there = user.names(channel).expect("the user is on it");
            let there: BTreeSet<UserId> = there.iter().map(|found| found.identity.id()).collect();
            assert_eq!(there, *told, "on {channel}");
            assert!(there.contains(&user.id()));
        }
        on_any.extend(own);
    }
    if let Some((operator, _)) = present.first() {
        // No channel is left on which nobody is. Some are secret.
        assert_eq!(stages[0].server.counts().channels, on_any.len());
        let listed = operator.list().expect("they may ask");
        assert!(listed.iter().all(|info| info.members > 0 || info.name.as_str() == "#kept"));
    }
}

proptest! {
    #[test]
    fn the_tables_agree_with_what_was_told(
        deeds in prop::collection::vec((0..4_usize, deed()), 1..120),
    ) {
        let network = Network::new(NetworkLimits { whowas_max: 3, ..NetworkLimits::default() });
        network.keep_channel("#kept").expect("it is a good name");
        let stages = [Stage::on(&network), Stage::on(&network)];
        let mut slots: Vec<Slot> = (0..4)
            .map(|number| Slot { stage: number % 2, user: None, model: Rc::default() })
            .collect();
        for (number, (who, deed)) in deeds.iter().enumerate() {
            run(&stages, &mut slots[*who], deed);
            if number % 10 == 0 {
                check(&stages, &mut slots);
            }
        }
        check(&stages, &mut slots);
        drop(slots);
        prop_assert_eq!(network.counts().users, 0);
        prop_assert_eq!(network.counts().channels, 1);
    }
}
