//! [`LineView`]: which room somebody who reads lines has in view, and how they are told what happens.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::Transport;
use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{Event, Listener, Notice, UserId};

use crate::LineForm;
use crate::line_form::notify;

/// The room that is in view: what is typed goes there, and what is said there has no name before it.
pub(crate) struct LineView {
    transport: Transport,
    room: RefCell<Option<ChannelName>>,
    own: Cell<Option<UserId>>,
}

impl LineView {
    pub(crate) fn new(transport: &Transport) -> Rc<Self> {
        let (transport, room, own) = (transport.clone(), RefCell::default(), Cell::default());
        Rc::new(Self { transport, room, own })
    }

    /// Whose view it is.
    pub(crate) fn set_own(&self, id: UserId) {
        self.own.set(Some(id));
    }

    pub(crate) fn room(&self) -> Option<ChannelName> {
        self.room.borrow().clone()
    }

    pub(crate) fn set_room(&self, room: Option<ChannelName>) {
        self.room.replace(room);
    }

    /// Writes; never waits. Who does not read fills their own mailbox, and is dropped when that is full (see
    /// [`ChatFactory`](crate::ChatFactory)).
    fn show(&self, notice: &Notice) {
        let room = notice.event().channel();
        let is_in_view = room.is_none() || room == self.room.borrow().as_ref();
        let key = if is_in_view { LineForm::IN_VIEW } else { LineForm::ELSEWHERE };
        let line = notice.encoded::<LineForm>(key);
        if !line.is_empty() {
            self.transport.write_bytes(line);
        }
        match notice.event() {
            Event::Kicked { channel, who, .. } if Some(who.id()) == self.own.get() => {
                self.room.replace_with(|view| view.take().filter(|view| view != channel));
            }
            Event::Killed { .. } => self.transport.lose_connection(),
            _ => {}
        }
    }
}

impl Listener for LineView {
    fn notified(&self, notice: &Notice) {
        self.show(notice);
    }

    /// What was typed stands there already; what came of it does not.
    fn echoed(&self, notice: &Notice) {
        if let Event::Renamed { to } = notice.event() {
            notify(&self.transport, format_args!("You are now called {to}."));
        }
        if matches!(
            notice.event(),
            Event::TopicSet { .. } | Event::ModeChanged { .. } | Event::Kicked { .. }
        ) {
            self.show(notice);
        }
    }

    fn closed(&self) {
        notify(&self.transport, "The room is closed. Goodbye.");
        self.transport.lose_connection();
    }
}
