//! What a room promises to its members.

use std::cell::RefCell;

use ropewalk_core::Time;

use super::*;
use crate::{Encoding, LineForm};

const NOW: Time = Time::START;

/// Writes down what it hears.
#[derive(Default)]
struct Ears(RefCell<Vec<String>>);

impl Ears {
    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

impl Listener for Ears {
    fn notified(&self, notice: &Notice) {
        let line = notice.encoded::<LineForm>();
        self.0.borrow_mut().push(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}

fn room() -> Room {
    Room::new(RoomLimits { members_max: 3, message_burst: 4, ..RoomLimits::default() })
}

fn join(room: &Room, name: &str) -> (Member, Rc<Ears>) {
    let ears = Rc::new(Ears::default());
    (room.join(name, ears.clone()).expect("the name is free"), ears)
}

fn refused<T>(result: Result<T, RoomError>) -> RoomError {
    result.err().expect("it is refused")
}

#[test]
fn all_others_hear_what_one_does() {
    let room = room();
    let (alice, alice_hears) = join(&room, "alice");
    let (bob, bob_hears) = join(&room, "bob");
    alice.say(NOW, "hello").expect("it may be said");
    alice.act(NOW, "waves").expect("it may be done");
    let carol = alice.rename(NOW, "carol").expect("the name is free");
    assert_eq!((carol.as_str(), alice.name()), ("carol", carol.clone()));
    bob.leave(Parting::Quit);
    assert_eq!(alice_hears.take(), ["*** bob has joined", "*** bob has left (quit)"]);
    assert_eq!(
        bob_hears.take(),
        ["<alice> hello", "* alice waves", "*** alice is now called carol"]
    );
}

#[test]
fn a_private_message_is_heard_by_one() {
    let room = room();
    let (alice, _) = join(&room, "alice");
    let (_bob, bob_hears) = join(&room, "Bob");
    let (_carol, carol_hears) = join(&room, "carol");
    bob_hears.take();
    assert_eq!(alice.tell(NOW, "bOB", "psst").expect("he is there").as_str(), "Bob");
    assert_eq!(bob_hears.take(), ["[alice] psst"]);
    assert!(carol_hears.take().is_empty());
    assert_eq!(refused(alice.tell(NOW, "dave", "psst")), RoomError::NoSuchMember);
    assert_eq!(refused(alice.tell(NOW, "no name", "psst")), RoomError::NoSuchMember);
}

#[test]
fn a_name_cannot_be_taken_over() {
    let room = room();
    let (alice, _) = join(&room, "Alice");
    let (bob, _) = join(&room, "bob");
    assert_eq!(refused(room.join("aLICE", Rc::new(Ears::default()))), RoomError::NameTaken);
    assert_eq!(refused(bob.rename(NOW, "ALICE")), RoomError::NameTaken);
    assert_eq!(bob.name().as_str(), "bob");
    assert_eq!(alice.rename(NOW, "aLiCe").expect("it is her own").as_str(), "aLiCe");
    assert_eq!(room.len(), 2);
    drop(alice);
    assert!(room.join("alice", Rc::new(Ears::default())).is_ok(), "it is free again");
}

#[test]
fn to_be_called_the_same_again_is_no_news() {
    let room = room();
    let (alice, _) = join(&room, "alice");
    let (_bob, bob_hears) = join(&room, "bob");
    alice.rename(NOW, "alice").expect("it is her own");
    assert!(bob_hears.take().is_empty());
    alice.rename(NOW, "Alice").expect("it is her own");
    assert_eq!(bob_hears.take(), ["*** alice is now called Alice"]);
}

#[test]
fn a_full_room_and_a_bad_name_are_refused() {
    let room = room();
    let members: Vec<_> = ["a", "b", "c"].into_iter().map(|name| join(&room, name)).collect();
    assert_eq!(refused(room.join("d", Rc::new(Ears::default()))), RoomError::Full);
    drop(members);
    assert!(room.is_empty());
    assert_eq!(refused(room.join("a b", Rc::new(Ears::default()))), RoomError::NameHas(' '));
    assert_eq!(refused(room.join("", Rc::new(Ears::default()))), RoomError::NameEmpty);
}

#[test]
fn who_gives_the_names_in_order() {
    let room = room();
    let members: Vec<_> = ["bob", "Carol", "alice"].map(|name| join(&room, name)).into();
    let names = members[0].0.who(NOW).expect("he may ask");
    assert_eq!(names.iter().map(Name::as_str).collect::<Vec<_>>(), ["alice", "bob", "Carol"]);
}

#[test]
fn who_floods_is_warned_once_and_is_out_then() {
    let room = room();
    let (alice, _) = join(&room, "alice");
    let (_bob, bob_hears) = join(&room, "bob");
    let said: Vec<_> = (0..7).map(|i| alice.say(NOW, &i.to_string())).collect();
    assert_eq!(
        said[3..],
        [Ok(()), Err(RoomError::TooFast), Err(RoomError::Flooding), Err(RoomError::NotAMember)]
    );
    alice.leave(Parting::Quit);
    assert_eq!(
        bob_hears.take(),
        ["<alice> 0", "<alice> 1", "<alice> 2", "<alice> 3", "*** alice has left (flooding)"]
    );
}

#[test]
fn a_closed_room_says_so_once_and_to_all() {
    let room = room();
    let (alice, alice_hears) = join(&room, "alice");
    let (bob, bob_hears) = join(&room, "bob");
    alice_hears.take();
    room.close();
    room.close();
    assert_eq!(refused(alice.say(NOW, "still here?")), RoomError::Closed);
    drop((alice, bob));
    let goodbye =
        String::from_utf8_lossy(&LineForm::encode(&RoomEvent::Closed)).trim_end().to_owned();
    assert_eq!(alice_hears.take(), [goodbye.as_str()]);
    assert_eq!(bob_hears.take(), [goodbye.as_str()]);
    assert_eq!(refused(room.join("carol", Rc::new(Ears::default()))), RoomError::Closed);
    assert!(room.is_empty());
}

/// Answers everything that is said, from inside being told.
struct Parrot(Rc<RefCell<Option<Member>>>);

impl Listener for Parrot {
    fn notified(&self, notice: &Notice) {
        if let (RoomEvent::Said { text, .. }, Some(member)) = (notice.event(), &*self.0.borrow()) {
            let _ = member.say(NOW, &format!("{text}!"));
        }
    }
}

fn join_parrot(room: &Room, name: &str) -> Rc<RefCell<Option<Member>>> {
    let own = Rc::new(RefCell::new(None));
    let member = room.join(name, Rc::new(Parrot(own.clone()))).expect("the name is free");
    *own.borrow_mut() = Some(member);
    own
}

#[test]
fn an_answer_is_heard_after_what_it_answers_by_everybody() {
    let room = room();
    let _a_parrot = join_parrot(&room, "aaa"); // First in the order of telling.
    let (alice, alice_hears) = join(&room, "alice");
    let (_bob, bob_hears) = join(&room, "bob");
    alice_hears.take();
    alice.say(NOW, "hello").expect("it may be said");
    assert_eq!(alice_hears.take(), ["<aaa> hello!"]);
    assert_eq!(bob_hears.take(), ["<alice> hello", "<aaa> hello!"]);
}

#[test]
fn two_robots_who_answer_each_other_come_to_an_end() {
    let room = room();
    let parrots = [join_parrot(&room, "aaa"), join_parrot(&room, "bbb")];
    let (alice, alice_hears) = join(&room, "alice");
    alice.say(NOW, "hello").expect("it may be said");
    assert!(alice_hears.take().len() < 12);
    assert!(!room.is_empty() && parrots.len() == 2);
}

/// Leaves when somebody says something.
struct Shy(Rc<RefCell<Option<Member>>>);

impl Listener for Shy {
    fn notified(&self, _: &Notice) {
        drop(self.0.take());
    }
}

#[test]
fn who_leaves_while_others_are_told_is_told_no_more() {
    let room = room();
    let (shy, shy_too) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
    // The first takes the second along before it is told.
    let first = room.join("a", Rc::new(Shy(shy_too.clone()))).expect("free");
    *shy.borrow_mut() = Some(first);
    let b_hears = Rc::new(Ears::default());
    *shy_too.borrow_mut() = Some(room.join("b", b_hears.clone()).expect("free"));
    let (carol, carol_hears) = join(&room, "carol");
    carol.say(NOW, "boo").expect("it may be said");
    assert_eq!(carol_hears.take(), ["*** b has left (quit)"]);
    assert!(!b_hears.take().contains(&"<carol> boo".to_owned()));
    assert_eq!(room.len(), 2);
}

struct Clumsy;

impl Listener for Clumsy {
    fn notified(&self, _: &Notice) {
        panic!("stumbled");
    }
}

#[test]
fn a_listener_that_panics_does_not_silence_the_room() {
    let room = room();
    let (alice, _) = join(&room, "alice");
    let clumsy = room.join("zed", Rc::new(Clumsy)).expect("free");
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| alice.say(NOW, "hello")));
    assert!(said.is_err());
    drop(clumsy);
    let (_bob, bob_hears) = join(&room, "bob");
    alice.say(NOW, "still here").expect("it may be said");
    assert_eq!(bob_hears.take(), ["<alice> still here"]);
}

/// One task, polled by hand: what a reactor does.
fn poll(task: &mut std::pin::Pin<Box<dyn Future<Output = ()>>>) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    task.as_mut().poll(&mut cx).is_ready()
}

#[test]
fn two_parts_are_one_room() {
    let floor = Floor::new(RoomLimits { members_max: 3, ..RoomLimits::default() });
    let (here, there) = (Room::on(&floor), Room::on(&floor));
    let mut relays = [Box::pin(here.relay()) as _, Box::pin(there.relay()) as _];
    let (alice, alice_hears) = join(&here, "alice");
    let (bob, bob_hears) = join(&there, "bob");
    assert_eq!(refused(there.join("ALICE", Rc::new(Ears::default()))), RoomError::NameTaken);
    alice.say(NOW, "hello").expect("it may be said");
    bob.say(NOW, "hi").expect("it may be said");
    alice.tell(NOW, "bob", "psst").expect("he is there");
    bob.rename(NOW, "rob").expect("it is free");
    assert!(!relays.iter_mut().any(poll));
    assert_eq!(alice_hears.take(), ["*** bob has joined", "<bob> hi", "*** bob is now called rob"]);
    assert_eq!(bob_hears.take(), ["<alice> hello", "[alice] psst"]);
    let names = |room: &Room| room.who().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((names(&here), names(&there)), (vec!["alice".into(), "rob".into()], names(&here)));
    let (_carol, _) = join(&here, "carol");
    assert_eq!(refused(there.join("dave", Rc::new(Ears::default()))), RoomError::Full);
    there.close();
    assert!(poll(&mut relays[1]), "it is over");
    assert!(bob_hears.take().ends_with(&["*** The room is closed. Goodbye.".into()]));
    assert_eq!(names(&here), ["alice", "carol"]);
    assert!(!poll(&mut relays[0]));
    alice.say(NOW, "anybody?").expect("the room goes on here");
}

#[test]
fn who_comes_later_does_not_hear_what_was_before() {
    let floor = Floor::new(RoomLimits::default());
    let (here, there) = (Room::on(&floor), Room::on(&floor));
    let mut relay = Box::pin(there.relay()) as _;
    let (alice, _) = join(&here, "alice");
    alice.say(NOW, "before").expect("it may be said");
    let (_bob, bob_hears) = join(&there, "bob");
    alice.say(NOW, "after").expect("it may be said");
    assert!(!poll(&mut relay));
    assert_eq!(bob_hears.take(), ["<alice> after"]);
}

#[test]
fn a_part_that_is_stuck_is_waited_for_within_a_limit() {
    let floor = Floor::new(RoomLimits { events_max: 3, ..RoomLimits::default() });
    let (here, there) = (Room::on(&floor), Room::on(&floor));
    let mut relay = Box::pin(there.relay()) as _;
    let (alice, _) = join(&here, "alice");
    let said: Vec<_> = (0..3).map(|_| alice.say(NOW, "hello")).collect();
    assert_eq!(said, [Ok(()), Ok(()), Err(RoomError::Busy)]);
    assert_eq!(refused(here.join("bob", Rc::new(Ears::default()))), RoomError::Busy);
    assert!(!poll(&mut relay));
    alice.say(NOW, "there you are").expect("there is room again");
    drop((there, relay));
    (0..10).for_each(|_| alice.say(NOW, "alone").expect("nobody is behind"));
}
