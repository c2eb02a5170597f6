//! Tests of the wheel, one by one and against a model.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// What the wheel must do, in the plainest way.
#[derive(Default)]
struct Model {
    by_deadline: BTreeMap<(Time, u64), usize>,
    timers: Vec<(TimerKey, Time, bool)>,
}

impl Model {
    fn insert(&mut self, wheel: &mut Wheel<usize>, deadline: Time) {
        let id = self.timers.len();
        let key = wheel.insert(deadline, id);
        self.by_deadline.insert((deadline, id as u64), id);
        self.timers.push((key, deadline, true));
    }

    fn cancel(&mut self, wheel: &mut Wheel<usize>, pick: usize) {
        let Some((key, deadline, live)) = self.timers.get(pick).copied() else { return };
        assert_eq!(wheel.cancel(key), live.then_some(pick));
        self.by_deadline.remove(&(deadline, pick as u64));
        self.timers[pick].2 = false;
    }

    fn reset(&mut self, wheel: &mut Wheel<usize>, pick: usize, to: Time) {
        let Some((key, deadline, live)) = self.timers.get(pick).copied() else { return };
        assert_eq!(wheel.reset(key, to), live);
        assert_eq!(wheel.deadline(key), live.then_some(to));
        if live {
            self.by_deadline.remove(&(deadline, pick as u64));
            self.by_deadline.insert((to, pick as u64), pick);
            self.timers[pick].1 = to;
        }
    }

    fn pop_due(&mut self, now: Time, made_before: usize) -> Option<usize> {
        let mut due = self.by_deadline.range(..=(now, u64::MAX));
        let (&key, &id) = due.find(|&(_, &id)| id < made_before)?;
        self.by_deadline.remove(&key);
        self.timers[id].2 = false;
        Some(id)
    }

    /// One turn, in which some of the timers that run make, cancel and move others.
    fn turn(&mut self, wheel: &mut Wheel<usize>, now: Time) {
        let made_before = self.timers.len();
        wheel.begin_turn(now);
        loop {
            let id = wheel.pop_due(now);
            assert_eq!(id, self.pop_due(now, made_before), "at {now:?}");
            let Some(id) = id else { break };
            assert!(self.timers[id].1 <= now, "fired early");
            match id % 7 {
                1 => self.insert(wheel, now),
                2 => self.insert(wheel, Time::from_nanos(now.as_nanos().saturating_sub(5_000_000))),
                3 => self.insert(wheel, now + Duration::from_millis(3)),
                4 => self.reset(wheel, self.timers.len() / 2, now),
                5 => self.reset(wheel, self.timers.len() - 1, now),
                6 => self.cancel(wheel, id + 1),
                _ => {}
            }
        }
        wheel.end_turn();
    }

    fn check(&self, wheel: &mut Wheel<usize>) {
        assert_eq!(wheel.len(), self.by_deadline.len());
        let first = self.by_deadline.keys().next().map(|key| key.0);
        let wakeup = wheel.next_wakeup();
        assert_eq!(wakeup.is_some(), first.is_some());
        assert!(wakeup <= first, "{wakeup:?} would miss {first:?}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Duration),
    Cancel(usize),
    Reset(usize, Duration),
    Delay(usize, Duration),
    Advance(Duration),
    Wakeup,
}

/// From nothing to centuries, each magnitude as likely as another.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => (0u32..30, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1)),
        2 => (0u32..64, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1)),
        1 => (0u64..100).prop_map(|millis| millis * 1_000_000),
    ]
    .prop_map(Duration::from_nanos)
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => durations().prop_map(Step::Insert),
        2 => (0usize..100).prop_map(Step::Cancel),
        3 => (0usize..100, durations()).prop_map(|(pick, after)| Step::Reset(pick, after)),
        2 => (0usize..100, durations()).prop_map(|(pick, by)| Step::Delay(pick, by)),
        3 => durations().prop_map(Step::Advance),
        2 => Just(Step::Wakeup),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_wheel_does_what_a_sorted_map_does(steps in prop::collection::vec(steps(), 1..120)) {
        let (mut wheel, mut model, mut now) = (Wheel::new(), Model::default(), Time::START);
        for step in steps {
            match step {
                Step::Insert(after) => model.insert(&mut wheel, now + after),
                Step::Cancel(pick) => model.cancel(&mut wheel, pick),
                Step::Reset(pick, after) => model.reset(&mut wheel, pick, now + after),
                Step::Delay(pick, by) => {
                    let was = model.timers.get(pick).map_or(now, |timer| timer.1);
                    model.reset(&mut wheel, pick, was + by);
                }
                Step::Advance(by) => {
                    now += by;
                    model.turn(&mut wheel, now);
                }
                Step::Wakeup => model.check(&mut wheel),
            }
        }
        // To the end, as a driver goes: from wakeup to wakeup.
        let mut turns = 0;
        while let Some(wakeup) = wheel.next_wakeup() {
            model.check(&mut wheel);
            now = now.max(wakeup);
            model.turn(&mut wheel, now);
            turns += 1;
            prop_assert!(turns < 4000, "wakeups that lead nowhere");
        }
        prop_assert!(model.by_deadline.is_empty());
    }
}

#[test]
fn an_entry_with_a_boxed_call_fits_in_a_cache_line() {
    assert!(size_of::<Entry<Box<dyn FnOnce()>>>() <= 64);
}

#[test]
fn a_lone_far_timer_needs_one_wakeup() {
    let mut wheel = Wheel::new();
    let deadline = Time::START + Duration::from_nanos(3_600_000_000_123);
    wheel.insert(deadline, ());
    assert_eq!(wheel.next_wakeup(), Some(deadline));
}

#[test]
fn timers_that_come_and_go_leave_nothing_behind() {
    let mut wheel = Wheel::new();
    for nanos in 0..100_000 {
        let key = wheel.insert(Time::from_nanos(nanos), ());
        wheel.cancel(key);
    }
    assert_eq!((wheel.near.len(), wheel.far.len(), wheel.entries.len()), (0, 0, 1));
}

#[test]
fn a_timer_at_the_end_of_time_is_kept() {
    let mut wheel = Wheel::new();
    let key = wheel.insert(Time::NEVER, ());
    assert!(wheel.next_wakeup().is_some());
    assert_eq!(wheel.pop_due(Time::from_nanos(u64::MAX - 1)), None);
    assert_eq!(wheel.deadline(key), Some(Time::NEVER));
    assert_eq!(wheel.pop_due(Time::NEVER), Some(()));
}

#[test]
fn a_million_timers_all_fire_in_order() {
    let mut wheel = Wheel::new();
    let mut noise = 1_u64;
    let keys: Vec<_> = (0..1_000_000)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let deadline = Time::from_nanos(noise >> 24);
            wheel.insert(deadline, deadline)
        })
        .collect();
    for key in &keys[..100_000] {
        assert!(wheel.cancel(*key).is_some());
    }
    let (mut fired, mut last) = (0, Time::START);
    while let Some(wakeup) = wheel.next_wakeup() {
        while let Some(deadline) = wheel.pop_due(wakeup) {
            assert!(last <= deadline && deadline <= wakeup);
            (fired, last) = (fired + 1, deadline);
        }
    }
    assert_eq!(fired, 900_000);
}
