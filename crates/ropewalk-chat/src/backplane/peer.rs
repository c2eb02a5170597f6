//! [`Peer`]: how far we have followed another process.

use std::collections::BTreeMap;
use std::time::Duration;

use ropewalk_core::Time;

use super::letter::{Happening, PersonHere, RoomHere};
use super::ring::ANSWER_MAX;

/// What we have heard of another process, and in which order it may be done.
pub(crate) struct Peer {
    /// The number of the last event that was done here; `None` until it is known who is there.
    done: Option<u64>,
    /// The number of its last event, as it says itself.
    last: u64,
    /// What cannot be done yet, since something before it is missing.
    held: BTreeMap<u64, Happening>,
    whole: Option<Whole>,
    /// Who was here of it, if it is taken for gone.
    absent: Option<Roll>,
    heard_at: Time,
    /// When it was asked last, and up to which event.
    asked: Option<(Time, u64)>,
}

/// Who is there, part by part.
struct Whole {
    number: u64,
    parts: BTreeMap<usize, (Vec<PersonHere>, Vec<RoomHere>)>,
}

/// What is to be asked of a peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Who is there.
    Who,
    /// What was missed: from, to.
    Want(u64, u64),
}

/// Who is there, whole.
#[derive(Default)]
pub(crate) struct Roll {
    pub(crate) people: Vec<PersonHere>,
    pub(crate) rooms: Vec<RoomHere>,
}

/// Events that wait for one that is missing. What comes beyond is asked for later.
const HELD_MAX: usize = 10_000;
/// Parts in which who is there may be told: of two hundred people, or as many rooms, each.
const PARTS_MAX: usize = 1_000;
/// So long an answer may take before the same is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Who is silent for so long, while NATS is there, is gone: ten beats.
const SILENCE_MAX: Duration = Duration::from_secs(10);

impl Peer {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            done: None,
            last: 0,
            held: BTreeMap::new(),
            whole: None,
            absent: None,
            heard_at: now,
            asked: None,
        }
    }

    /// It is there, and its last event has that number.
    pub(crate) fn heard(&mut self, now: Time, last: u64) {
        self.heard_at = now;
        self.last = self.last.max(last);
    }

    /// An event of it, in any order and as often as it comes.
    pub(crate) fn take(&mut self, number: u64, what: Happening) {
        if self.done.is_none_or(|done| number > done) {
            self.held.insert(number, what);
        }
        if self.held.len() > HELD_MAX {
            self.held.pop_last(); // Never what the others wait for.
        }
    }

    /// The next event that can be done. It is [`finish`](Self::finish)ed when that has happened.
    pub(crate) fn next(&self) -> Option<Happening> {
        self.held.get(&self.done?.checked_add(1)?).cloned()
    }

    pub(crate) fn finish(&mut self) {
        if let Some(done) = &mut self.done {
            *done += 1;
            self.held.remove(done);
        }
    }

    /// A part of who is there; gives the whole when that was the last.
    pub(crate) fn take_part(
        &mut self,
        number: u64,
        (part, parts): (usize, usize),
        people: Vec<PersonHere>,
        rooms: Vec<RoomHere>,
    ) -> Option<Roll> {
        if part >= parts || parts > PARTS_MAX || self.done.is_some_and(|done| number < done) {
            return None;
        }
        if self.whole.as_ref().is_none_or(|whole| whole.number != number) {
            self.whole = Some(Whole { number, parts: BTreeMap::new() });
        }
        let whole = self.whole.as_mut()?;
        whole.parts.insert(part, (people, rooms));
        if whole.parts.len() < parts {
            return None;
        }
        let (people, rooms): (Vec<_>, Vec<_>) = self.whole.take()?.parts.into_values().unzip();
        self.done = Some(number);
        self.asked = None;
        self.held = self.held.split_off(&number.saturating_add(1));
        Some(Roll {
            people: people.into_iter().flatten().collect(),
            rooms: rooms.into_iter().flatten().collect(),
        })
    }

    /// What is to be asked now, if anything is.
    pub(crate) fn question(&mut self, now: Time) -> Option<Question> {
        let is_answered = |to: u64| self.done.is_some_and(|done| done >= to);
        let is_awaited = |(at, to)| now.since(at) < ASK_AGAIN_AFTER && !is_answered(to);
        if self.asked.is_some_and(is_awaited) {
            return None;
        }
        let Some(done) = self.done else {
            self.asked = Some((now, u64::MAX));
            return Some(Question::Who);
        };
        let first = done.saturating_add(1);
        let behind = self.last.saturating_add(1);
        let next = self.held.keys().next().copied().unwrap_or(behind);
        if first >= next {
            return None;
        }
        // As much as is answered at once; then the rest.
        let last = (next - 1).min(done.saturating_add(ANSWER_MAX));
        self.asked = Some((now, last));
        Some(Question::Want(first, last))
    }

    /// NATS was away, and with it everybody.
    pub(crate) fn excuse(&mut self, now: Time) {
        self.heard_at = now;
        self.asked = None;
    }

    /// It is known who is there, and what they do is done here.
    pub(crate) fn is_followed(&self) -> bool {
        self.done.is_some()
    }

    /// It is to be taken for gone.
    pub(crate) fn is_gone(&self, now: Time) -> bool {
        self.absent.is_none() && now.since(self.heard_at) >= SILENCE_MAX
    }

    /// It is taken for gone. What is held is asked for again.
    pub(crate) fn leave(&mut self, roll: Roll) {
        self.absent = Some(roll);
        (self.held, self.whole) = (BTreeMap::new(), None);
    }

    /// It is heard of again; gives who was here of it, if it was taken for gone.
    pub(crate) fn come_back(&mut self, now: Time) -> Option<Roll> {
        let roll = self.absent.take()?;
        self.excuse(now);
        Some(roll)
    }

    /// When it was heard of last, if it is taken for gone.
    pub(crate) fn absent_since(&self) -> Option<Time> {
        self.absent.as_ref().map(|_| self.heard_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quit(who: u64) -> Happening {
        Happening::Quit { who, reason: String::new() }
    }

    /// One that has told who is there, after its event 2.
    fn known() -> Peer {
        let mut peer = Peer::new(Time::START);
        assert_eq!(peer.question(Time::START), Some(Question::Who));
        assert!(peer.take_part(2, (1, 2), vec![], vec![]).is_none());
        assert!(peer.take_part(2, (0, 2), vec![], vec![]).is_some());
        peer
    }

    fn done(peer: &mut Peer) -> Vec<u64> {
        let mut all = Vec::new();
        while let Some(Happening::Quit { who, .. }) = peer.next() {
            peer.finish();
            all.push(who);
        }
        all
    }

    #[test]
    fn events_are_done_in_their_order_and_once() {
        let mut peer = known();
        for number in [2, 4, 4, 3, 3, 1] {
            peer.take(number, quit(number));
        }
        assert_eq!(done(&mut peer), [3, 4]);
        peer.take(4, quit(4));
        assert_eq!(done(&mut peer), [0; 0]);
    }

    #[test]
    fn what_came_before_it_was_known_who_is_there_waits() {
        let mut peer = Peer::new(Time::START);
        for number in 1..=4 {
            peer.take(number, quit(number));
        }
        assert_eq!(done(&mut peer), [0; 0]);
        assert!(peer.take_part(2, (0, 1), vec![], vec![]).is_some());
        assert_eq!(done(&mut peer), [3, 4]);
    }

    #[test]
    fn what_is_missing_is_asked_for_once_a_second() {
        let (mut peer, mut now) = (known(), Time::START);
        assert_eq!(peer.question(now), None);
        peer.heard(now, 5);
        assert_eq!(peer.question(now), Some(Question::Want(3, 5)), "a beat tells of the last, too");
        peer.take(5, quit(5));
        assert_eq!(peer.question(now), None, "it was asked");
        now += ASK_AGAIN_AFTER;
        assert_eq!(peer.question(now), Some(Question::Want(3, 4)));
        peer.take(3, quit(3));
        assert_eq!(done(&mut peer), [3]);
        assert_eq!(peer.question(now), None, "the rest of the answer is under way");
        peer.take(4, quit(4));
        assert_eq!(done(&mut peer), [4, 5]);
        assert_eq!(peer.question(now), None);
    }

    #[test]
    fn much_that_is_missing_is_asked_for_in_pieces_each_once() {
        let (mut peer, now) = (known(), Time::START);
        peer.heard(now, 2 + 3 * ANSWER_MAX);
        let mut asked = 0;
        for number in 3..=2 + 3 * ANSWER_MAX {
            asked += usize::from(peer.question(now).is_some());
            peer.take(number, quit(number));
            assert_eq!(done(&mut peer), [number]);
        }
        assert_eq!((asked, peer.question(now)), (3, None));
    }

    #[test]
    fn what_is_missing_is_taken_however_much_waits_for_it() {
        let mut peer = known();
        let beyond = 4 + HELD_MAX as u64 + 10;
        (4..beyond).for_each(|number| peer.take(number, quit(number)));
        assert_eq!(done(&mut peer), [0; 0]);
        peer.take(3, quit(3));
        let (all, now) = (done(&mut peer), Time::START);
        assert_eq!((all.len(), all.first()), (HELD_MAX, Some(&3)));
        peer.heard(now, beyond - 1);
        assert_eq!(peer.question(now), Some(Question::Want(3 + HELD_MAX as u64, beyond - 1)));
    }

    #[test]
    fn who_is_there_may_be_told_again_when_too_much_was_missed() {
        let mut peer = known();
        peer.take(9, quit(9));
        assert!(peer.take_part(1, (0, 1), vec![], vec![]).is_none(), "that is old");
        assert!(peer.take_part(8, (0, 1), vec![], vec![]).is_some());
        assert_eq!(done(&mut peer), [9]);
        for bad in [(1, 1), (0, PARTS_MAX + 1), (usize::MAX, 0)] {
            assert!(peer.take_part(99, bad, vec![], vec![]).is_none());
        }
    }

    #[test]
    fn who_is_silent_is_gone_unless_nats_was_away() {
        let (mut peer, mut now) = (known(), Time::START);
        now += SILENCE_MAX;
        assert!(peer.is_gone(now));
        peer.excuse(now);
        assert!(!peer.is_gone(now));
    }
}
