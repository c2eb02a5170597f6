//! [`EventQueue`]: what one browser has not said that it has seen.
//!
//! What happens is numbered, and kept until the browser has said by its next request that it has it. So nothing is lost
//! or shown twice when a connection breaks between an answer and the next request. Thousands of queues are empty, or hold
//! one event that all of them share.

use std::collections::VecDeque;

use bytes::Bytes;

/// Events for one browser, each with its number.
#[derive(Default)]
pub(crate) struct EventQueue {
    /// Each as an object of JSON without its opening brace and its number: so it is shared with other browsers. The last
    /// of them has the number `last`, and those before it the numbers before.
    events: VecDeque<Bytes>,
    /// Of all that is in `events`.
    bytes: usize,
    /// The number of the last event.
    last: u64,
    /// The number up to which the browser says that it has seen all.
    seen: u64,
    /// The number of the last event that was thrown away and was not seen for certain.
    forgotten: u64,
    /// Whether one of the events stands for all comings and goings after it, too. It does until it is told.
    stands_for_more: bool,
}

/// Events that wait for one browser; one that does not fetch them is out. Some minutes of a lively room.
const EVENTS_MAX: usize = 500;
/// And bytes of them: some 250 of the longest messages. They are shared with other browsers, as long as those wait, too.
const EVENT_BYTES_MAX: usize = 512 << 10;
/// Says that a browser is to look anew who is there.
pub(crate) const CHANGED: &[u8] = b"\"kind\":\"changed\"}";
/// With so many waiting, comings and goings are not told one by one any more: nobody is to be out because of them.
const PRESENCE_MAX: usize = 250;
/// With so many waiting, what is soon of no interest any more is not added.
const FLEETING_MAX: usize = 50;

impl EventQueue {
    /// One more; gives its number.
    pub(crate) fn push(&mut self, event: Bytes) -> u64 {
        self.last += 1;
        self.bytes += event.len();
        if self.events.is_empty() {
            self.events.reserve_exact(1); // Most are told before there is another.
        }
        self.events.push_back(event);
        self.last
    }

    /// Somebody came, went, or is something else now. If much waits already, one event says that the browser is to look
    /// anew who is there.
    pub(crate) fn push_presence(&mut self, event: Bytes) -> Option<(u64, Bytes)> {
        if self.stands_for_more {
            return None;
        }
        let is_much = self.events.len() >= PRESENCE_MAX;
        let event = if is_much { Bytes::from_static(CHANGED) } else { event };
        let number = self.push(event.clone());
        self.stands_for_more = is_much;
        Some((number, event))
    }

    /// Whether something that matters for a moment only is worth adding.
    pub(crate) fn has_room_for_fleeting(&self) -> bool {
        self.events.len() < FLEETING_MAX
    }

    /// The browser has seen all up to this one.
    pub(crate) fn seen(&mut self, number: u64) {
        self.seen = number.min(self.last);
        while !self.events.is_empty() && self.first() <= number {
            self.pop_first();
        }
        if self.events.is_empty() {
            self.events = VecDeque::new(); // Thousands wait with nothing in it.
        }
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.events.len() > EVENTS_MAX || self.bytes > EVENT_BYTES_MAX
    }

    /// Throws the first ones away until the rest is not too much. They were sent, and may not have come.
    pub(crate) fn forget_surplus(&mut self) {
        while self.is_too_much() {
            self.forgotten = self.pop_first();
        }
    }

    /// Throws all away.
    pub(crate) fn forget_all(&mut self) {
        while !self.events.is_empty() {
            self.forgotten = self.pop_first();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// What the browser has not seen, to be told now: with its number, each as an object of JSON. If some are missing, the first says so.
    pub(crate) fn news(&mut self) -> Vec<(u64, String)> {
        self.stands_for_more = false;
        let gap = (self.seen < self.forgotten)
            .then(|| (self.forgotten, numbered(self.forgotten, b"\"kind\":\"gap\"}")));
        let events = (self.first()..).zip(&self.events);
        let events = events.map(|(number, event)| (number, numbered(number, event)));
        gap.into_iter().chain(events).collect()
    }

    /// The number of the first that is kept; of the next, if none is.
    fn first(&self) -> u64 {
        self.last + 1 - self.events.len() as u64
    }

    fn pop_first(&mut self) -> u64 {
        let number = self.first();
        let Some(event) = self.events.pop_front() else { return self.forgotten };
        self.bytes -= event.len();
        number
    }
}

/// An event as a browser is sent it.
pub(crate) fn numbered(number: u64, event: &[u8]) -> String {
    format!("{{\"n\":{number},{}", String::from_utf8_lossy(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(queue: &mut EventQueue) -> Vec<u64> {
        queue.news().iter().map(|(number, _)| *number).collect()
    }

    fn push(queue: &mut EventQueue) {
        queue.push(Bytes::from_static(b"\"kind\":\"x\"}"));
    }

    #[test]
    fn what_was_seen_is_told_no_more_and_what_was_not_again() {
        let mut queue = EventQueue::default();
        (0..3).for_each(|_| push(&mut queue));
        assert_eq!(numbers(&mut queue), [1, 2, 3]);
        queue.seen(1);
        assert_eq!(numbers(&mut queue), [2, 3]);
        assert_eq!(queue.news()[0].1, "{\"n\":2,\"kind\":\"x\"}");
        queue.seen(u64::MAX);
        assert!(queue.is_empty());
        push(&mut queue);
        assert_eq!(numbers(&mut queue), [4], "what had not happened it has not seen");
    }

    #[test]
    fn many_comings_and_goings_are_one_change() {
        let mut queue = EventQueue::default();
        let mut told = 0;
        for _ in 0..10_000 {
            told += usize::from(queue.push_presence(Bytes::from_static(b"x}")).is_some());
        }
        push(&mut queue);
        assert!(queue.push_presence(Bytes::new()).is_none());
        assert_eq!((told, queue.news().len()), (PRESENCE_MAX + 1, PRESENCE_MAX + 2));
        assert!(queue.news()[PRESENCE_MAX].1.ends_with("\"kind\":\"changed\"}"));
        assert!(queue.push_presence(Bytes::new()).is_some(), "what was told stands for no more");
        assert!(queue.push_presence(Bytes::new()).is_none());
        assert!(!queue.is_too_much());
    }

    #[test]
    fn what_was_thrown_away_is_said_to_be_missing() {
        let mut queue = EventQueue::default();
        for _ in 0..EVENTS_MAX + 7 {
            push(&mut queue);
            queue.forget_surplus();
        }
        assert_eq!(queue.news()[0], (7, "{\"n\":7,\"kind\":\"gap\"}".to_owned()));
        assert_eq!(queue.news().len(), 1 + EVENTS_MAX);
        queue.seen(7);
        assert_eq!(queue.news().len(), EVENTS_MAX, "it had those");
        queue.push(Bytes::from(vec![b'x'; EVENT_BYTES_MAX]));
        assert!(queue.is_too_much());
        queue.forget_surplus();
        assert_eq!(queue.news().len(), 2);
        queue.forget_all();
        assert_eq!(numbers(&mut queue), [EVENTS_MAX as u64 + 8]);
    }
}
