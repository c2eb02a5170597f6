//! [`History`]: the last things that were said on a channel, and [`HistoryRange`], which of them are wanted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::{MsgId, Record, Refusal};

/// Which of the things that were said are wanted (IRCv3 `draft/chathistory`). Neither end is part of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryRange {
    /// The last ones, but none that is not after this.
    Latest(Option<HistoryPoint>),
    /// The last ones before this.
    Before(HistoryPoint),
    /// The first ones after this.
    After(HistoryPoint),
    /// The ones next to this on both sides, and itself.
    Around(HistoryPoint),
    /// Those between two; the ones next to the first, which may be the later.
    Between(HistoryPoint, HistoryPoint),
}

/// A point in what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryPoint {
    /// That event.
    Event(MsgId),
    /// That time.
    Time(SystemTime),
}

/// The last things that were said on one channel, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    records: VecDeque<Arc<Record>>,
}

impl History {
    /// Keeps one more; the oldest goes if there are too many.
    pub(crate) fn push(&mut self, record: Arc<Record>, records_max: usize) {
        self.records.push_back(record);
        while self.records.len() > records_max {
            self.records.pop_front();
        }
    }

    /// What of it is in `range`, at most `count`, oldest first.
    ///
    /// # Errors
    /// `NoSuchMessage`: an event that is not in it is no point in it.
    pub(crate) fn page(
        &self,
        range: &HistoryRange,
        count: usize,
    ) -> Result<Vec<Arc<Record>>, Refusal> {
        let len = self.records.len();
        let (from, to, keeps_first) = match range {
            HistoryRange::Latest(None) => (0, len, false),
            HistoryRange::Latest(Some(point)) => (self.after(point)?, len, false),
            HistoryRange::Before(point) => (0, self.before(point)?, false),
            HistoryRange::After(point) => (self.after(point)?, len, true),
            HistoryRange::Around(point) => self.around(point, count)?,
            HistoryRange::Between(one, other) => self.between(one, other)?,
        };
        let to = to.max(from);
        let (from, to) = match keeps_first {
            true => (from, to.min(from.saturating_add(count))),
            false => (from.max(to.saturating_sub(count)), to),
        };
        Ok(self.records.range(from..to).cloned().collect())
    }

    /// When the last thing was said.
    pub(crate) fn last_at(&self) -> Option<SystemTime> {
        self.records.back().map(|record| record.at)
    }

    /// How many come before the point.
    fn before(&self, point: &HistoryPoint) -> Result<usize, Refusal> {
        match point {
            HistoryPoint::Event(msgid) => self.place(msgid),
            HistoryPoint::Time(at) => Ok(self.records.partition_point(|record| record.at < *at)),
        }
    }

    /// How many come before the point, and at it.
    fn after(&self, point: &HistoryPoint) -> Result<usize, Refusal> {
        match point {
            HistoryPoint::Event(msgid) => self.place(msgid).map(|place| place + 1),
            HistoryPoint::Time(at) => Ok(self.records.partition_point(|record| record.at <= *at)),
        }
    }

    fn around(&self, point: &HistoryPoint, count: usize) -> Result<(usize, usize, bool), Refusal> {
        let from = self.before(point)?.saturating_sub(count / 2);
        Ok((from, self.records.len(), true))
    }

    fn between(
        &self,
        one: &HistoryPoint,
        other: &HistoryPoint,
    ) -> Result<(usize, usize, bool), Refusal> {
        let (from, to) = (self.after(one)?, self.before(other)?);
        if from <= to {
            return Ok((from, to, true));
        }
        Ok((self.after(other)?, self.before(one)?, false))
    }

    fn place(&self, msgid: &MsgId) -> Result<usize, Refusal> {
        let place = self.records.iter().position(|record| record.msgid == *msgid);
        place.ok_or(Refusal::NoSuchMessage)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::network::identity::Identity;
    use crate::network::{Event, NetworkLimits, Registration, UserId};

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn id(number: u64) -> MsgId {
        MsgId::new(at(number), number)
    }

    /// What was said in each of the seconds 1 to 9.
    fn history() -> History {
        let limits = NetworkLimits::default();
        let source = Identity::new(UserId(1), &Registration::new("dan"), &limits);
        let source = Arc::new(source.expect("a good nickname"));
        let mut history = History::default();
        for second in 1..=9 {
            let (msgid, at) = (id(second), at(second));
            let event = Event::Online;
            history.push(Arc::new(Record { source: source.clone(), event, msgid, at }), 9);
        }
        history
    }

    fn page(range: &HistoryRange, count: usize) -> Vec<u64> {
        let page = history().page(range, count).expect("the points are known");
        let second = |record: &Arc<Record>| record.at.duration_since(SystemTime::UNIX_EPOCH);
        page.iter().map(|record| second(record).expect("it is later").as_secs()).collect()
    }

    #[test]
    fn each_range_gives_what_is_next_to_its_point_oldest_first() {
        use HistoryPoint::{Event, Time};
        use HistoryRange::{After, Around, Before, Between, Latest};
        for (range, expected) in [
            (Latest(None), vec![7, 8, 9]),
            (Latest(Some(Event(id(7)))), vec![8, 9]),
            (Latest(Some(Time(at(2)))), vec![7, 8, 9]),
            (Before(Event(id(3))), vec![1, 2]),
            (Before(Time(at(100))), vec![7, 8, 9]),
            (After(Event(id(3))), vec![4, 5, 6]),
            (After(Time(at(9))), vec![]),
            (Around(Event(id(5))), vec![4, 5, 6]),
            (Around(Event(id(1))), vec![1, 2, 3]),
            (Between(Event(id(2)), Event(id(9))), vec![3, 4, 5]),
            (Between(Event(id(9)), Event(id(2))), vec![6, 7, 8]),
            (Between(Event(id(4)), Event(id(5))), vec![]),
            (Between(Event(id(4)), Event(id(4))), vec![]),
            (Between(Time(at(4)), Time(at(6))), vec![5]),
        ] {
            assert_eq!(page(&range, 3), expected, "{range:?}");
        }
    }

    #[test]
    fn an_unknown_event_is_no_point() {
        let range = HistoryRange::Before(HistoryPoint::Event(id(10)));
        assert_eq!(history().page(&range, 3).expect_err("unknown"), Refusal::NoSuchMessage);
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut history = history();
        let last = history.records.back().cloned().expect("there are nine");
        history.push(last, 9);
        assert_eq!(history.records.len(), 9);
        assert_eq!(history.records[0].at, at(2));
    }
}
