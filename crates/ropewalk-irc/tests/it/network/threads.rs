//! One network on several threads.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

use ropewalk_core::Time;
use ropewalk_irc::network::{
    Listener, Network, NetworkLimits, Notice, Refusal, Registration, Speech,
};

use super::{Actor, Ears, Stage, forget, shown};

/// Runs the relay of a part until there is nothing to tell.
pub(crate) fn relay(stage: &Stage) {
    let mut relay = Box::pin(stage.server.relay());
    let mut cx = Context::from_waker(Waker::noop());
    let _ = relay.as_mut().poll(&mut cx);
}

#[test]
fn both_parts_hear_the_same_in_the_same_order() {
    let network = Network::new(NetworkLimits::default());
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, bob) = (here.enter_ropes("alice"), there.enter_ropes("bob"));
    relay(&here);
    relay(&there);
    forget([&alice, &bob]);
    alice.user.say(here.now(), "#ropes", Speech::message("one")).expect("she may");
    bob.user.say(there.now(), "#ropes", Speech::message("two")).expect("he may");
    relay(&here);
    relay(&there);
    assert_eq!(alice.heard(), ["I: alice says one to #ropes", "bob says two to #ropes"]);
    assert_eq!(bob.heard(), ["alice says one to #ropes", "I: bob says two to #ropes"]);
}

#[test]
fn who_was_there_when_it_happened_hears_it_however_late() {
    let network = Network::new(NetworkLimits::default());
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, bob) = (here.enter_ropes("alice"), there.enter_ropes("bob"));
    alice.user.say(here.now(), "#ropes", Speech::message("before")).expect("she may");
    alice.user.kick(here.now(), "#ropes", "bob", "").expect("she may");
    alice.user.say(here.now(), "#ropes", Speech::message("after")).expect("she may");
    bob.heard();
    relay(&there);
    assert_eq!(bob.heard(), ["alice says before to #ropes", "alice kicks bob from #ropes (alice)"]);
}

#[test]
fn who_is_killed_on_another_thread_hears_it_there() {
    let network = Network::new(NetworkLimits::default());
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, bob) = (here.enter("alice"), there.enter("bob"));
    alice.user.make_operator().expect("she is there");
    alice.user.kill(here.now(), "bob", "because").expect("she may");
    let refused = bob.user.join(there.now(), "#ropes", None);
    assert_eq!(refused, Err(Refusal::NotConnected));
    relay(&there);
    assert_eq!(bob.heard(), ["alice kills (because)"]);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_thread_is_woken_for_what_others_do_and_not_for_what_it_does_itself() {
    let network = Network::new(NetworkLimits::default());
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, bob) = (here.enter_ropes("alice"), there.enter_ropes("bob"));
    alice.user.make_operator().expect("she is there");
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(alarm.clone());
    let mut relay = Box::pin(there.server.relay());
    let mut woken_by = |deed: &dyn Fn()| {
        alarm.0.store(0, Ordering::Relaxed);
        assert!(relay.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        deed();
        alarm.0.load(Ordering::Relaxed) > 0
    };
    let say = |stage: &Stage, who: &Actor| {
        who.user.say(stage.now(), "#ropes", Speech::message("x")).expect("they may");
    };
    assert!(!woken_by(&|| say(&there, &bob)));
    assert!(woken_by(&|| say(&here, &alice)));
    let tell = || drop(alice.user.say(here.now(), "alice", Speech::message("x")));
    assert!(!woken_by(&tell), "it is for nobody there");
    assert!(woken_by(&|| alice.user.kill(here.now(), "bob", "").expect("she may")));
}

#[test]
fn a_part_that_closes_takes_its_users_with_it() {
    let network = Network::new(NetworkLimits::default());
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, bob) = (here.enter_ropes("alice"), there.enter_ropes("bob"));
    relay(&here);
    alice.heard();
    there.server.close();
    assert_eq!(bob.heard().last().map(String::as_str), Some("closed"));
    assert_eq!(bob.user.channels(), Err(Refusal::Closed));
    let registration = Registration::new("carol");
    let refused = there.server.connect(there.now(), &registration, Rc::new(Ears::default()));
    assert_eq!(refused.map(drop), Err(Refusal::Closed));
    relay(&here);
    assert_eq!(alice.heard(), ["bob quits (Server closed)"]);
}

#[test]
fn a_part_that_does_not_tell_makes_the_others_wait() {
    let network = Network::new(NetworkLimits { events_max: 4, ..NetworkLimits::default() });
    let (here, there) = (Stage::on(&network), Stage::on(&network));
    let (alice, _bob) = (here.enter_ropes("alice"), there.enter("bob"));
    let say = || alice.user.say(here.now(), "#ropes", Speech::message("x")).map(drop);
    let said: Vec<_> = (0..5).map(|_| say()).collect();
    assert_eq!(said, [Ok(()), Ok(()), Ok(()), Ok(()), Err(Refusal::Busy)]);
    relay(&there);
    assert_eq!(say(), Ok(()));
}

#[test]
fn an_observer_is_told_everything_once() {
    let stage = Stage::new();
    let ears = Rc::new(Ears::default());
    stage.server.observe(ears.clone());
    let (alice, _bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.user.say(stage.now(), "#ropes", Speech::message("hello")).expect("she may");
    let expected = ["alice joins #ropes", "bob joins #ropes", "alice says hello to #ropes"];
    assert_eq!(ears.heard(), expected);
}

/// Counts what is said, and hears it in order.
struct Counting(std::cell::RefCell<Vec<String>>);

impl Listener for Counting {
    fn notified(&self, notice: &Notice) {
        self.0.borrow_mut().push(shown(notice));
    }

    fn echoed(&self, notice: &Notice) {
        self.notified(notice);
    }
}

#[test]
fn on_real_threads_nothing_is_lost_and_all_hear_one_order() {
    const MESSAGES: usize = 500;
    let limits = NetworkLimits { message_burst: 10_000, ..NetworkLimits::default() };
    let network = Network::new(limits);
    network.keep_channel("#ropes").expect("it is a good name");
    let barrier = Arc::new(std::sync::Barrier::new(3));
    let speak = |name: &'static str| {
        let (network, barrier) = (network.clone(), barrier.clone());
        move || {
            let stage = Stage::on(&network);
            let ears = Rc::new(Counting(Vec::new().into()));
            let user = stage.server.connect(Time::START, &Registration::new(name), ears.clone());
            let user = user.expect("they may come");
            user.join(Time::START, "#ropes", None).expect("it is open");
            barrier.wait();
            for number in 0..MESSAGES {
                let speech = Speech::message(&number.to_string());
                user.say(Time::START, "#ropes", speech).expect("they may");
            }
            barrier.wait();
            relay(&stage);
            barrier.wait();
            let said = ears.0.take();
            said.into_iter().filter(|line| line.contains("says")).collect::<Vec<_>>()
        }
    };
    let threads = ["alice", "bob", "carol"].map(|name| thread::spawn(speak(name)));
    let [one, other, third] = threads.map(|thread| thread.join().expect("no panic"));
    assert_eq!(one.len(), 3 * MESSAGES);
    assert_eq!(one, other);
    assert_eq!(one, third);
}
