//! [`BrowserListener`]: tells a browser's member what happens.

use std::cmp::Ordering;
use std::rc::Weak;

use bytes::Bytes;
use ropewalk_irc::network::{Event, Listener, Notice};

use crate::browser_form::{self, BrowserForm, LISTED_MAX};
use crate::browser_member::State;
use crate::event_queue::CHANGED;

/// Told by the network; it does not keep the member there.
pub(crate) struct BrowserListener(pub(crate) Weak<State>);

impl BrowserListener {
    fn show(&self, notice: &Notice) {
        let Some(state) = self.0.upgrade() else { return };
        let is_fleeting = matches!(notice.event(), Event::Tagged { .. });
        let event = notice.encoded::<BrowserForm>(0);
        let is_worth_it = !is_fleeting || state.has_room_for_fleeting();
        if is_worth_it && !event.is_empty() {
            state.add(event);
        }
        if let Event::Killed { .. } = notice.event() {
            state.leave("killed");
        }
    }

    /// Who comes and goes is told in a small room. That it becomes a crowd, or is one no more, is told once.
    fn show_presence(&self, notice: &Notice) {
        let Some(state) = self.0.upgrade() else { return };
        match notice.audience().cmp(&(LISTED_MAX + 1)) {
            Ordering::Less => state.add_presence(notice.encoded::<BrowserForm>(0)),
            Ordering::Equal => state.add_presence(Bytes::from_static(CHANGED)),
            Ordering::Greater => {}
        }
    }

    /// The room that it has come to, whole.
    fn show_room(&self, notice: &Notice) {
        let Some(state) = self.0.upgrade() else { return };
        if let (Some(user), Some(room)) = (state.user(), notice.event().channel())
            && let Ok(event) = browser_form::room(user, room)
        {
            state.add(browser_form::open(&event));
        }
    }
}

impl Listener for BrowserListener {
    fn notified(&self, notice: &Notice) {
        let is_in_crowd = notice.audience() > LISTED_MAX;
        match notice.event() {
            Event::Tagged { .. } if is_in_crowd => {}
            event if is_presence(event) => self.show_presence(notice),
            _ => self.show(notice),
        }
    }

    /// A page shows what it says itself among what the others say.
    fn echoed(&self, notice: &Notice) {
        match notice.event() {
            Event::Joined { .. } => self.show_room(notice),
            Event::Tagged { .. } => {}
            _ => self.show(notice),
        }
    }

    fn closed(&self) {
        if let Some(state) = self.0.upgrade() {
            state.add(Bytes::from_static(b"\"kind\":\"closed\"}"));
            state.leave("closed");
        }
    }
}

/// Whether it only changes who is there, or what they are called.
fn is_presence(event: &Event) -> bool {
    matches!(
        event,
        Event::Joined { .. }
            | Event::Parted { .. }
            | Event::Quit { .. }
            | Event::Renamed { .. }
            | Event::AwaySet { .. }
    )
}
