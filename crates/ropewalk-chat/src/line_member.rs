//! [`LineMember`]: the way into a room for who comes with `nc` or `telnet`.
//!
//! The first line that makes a name is the name; from then on each line is said, or is a command. The room
//! tells members through a [`Listener`] that writes to the transport and never waits: who does not read fills
//! their own mailbox, and is dropped when that reaches its limit (see
//! [`ChatFactory`](crate::ChatFactory)).

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Cx, DelayedCall, Failure, FailureKind, Transport, WeakTransport};
use ropewalk_framing::LineProtocol;

use crate::line_command::LineCommand;
use crate::line_form::{HELP, LineForm, list, notify};
use crate::{Listener, Member, Notice, Parting, Room, RoomError, RoomEvent, Text};

/// One connection that speaks lines.
pub struct LineMember {
    room: Room,
    stage: Stage,
}

enum Stage {
    /// Until there is a name, the call that ends the waiting for one.
    Unnamed(Option<DelayedCall>),
    Named(Member),
    /// Out of the room; what was written to the connection is being sent.
    Gone,
}

/// How long may be thought about a name. Connections without one are not counted as members, so they are not
/// to stay.
const NAME_TIMEOUT: Duration = Duration::from_secs(60);

/// Tells a member by writing lines.
struct LineListener(Transport);

impl LineMember {
    /// Somebody who is going to join `room`.
    pub fn new(room: Room) -> Self {
        Self { room, stage: Stage::Unnamed(None) }
    }

    /// A line before there is a name.
    fn name_received(&mut self, cx: &mut Cx<'_>, line: &str) {
        match LineCommand::parse(line) {
            LineCommand::Nothing => {}
            LineCommand::Quit => self.quit(cx),
            LineCommand::Say(name) => self.join(cx, name),
            _ => notify(cx.transport(), "First a name, please."),
        }
    }

    fn join(&mut self, cx: &mut Cx<'_>, name: &str) {
        let transport = cx.transport();
        match self.room.join(name, Rc::new(LineListener(transport.clone()))) {
            Err(error @ (RoomError::Full | RoomError::Closed)) => self.lose(cx, error),
            Err(error) => notify(transport, format_args!("Another name, please: {error}.")),
            Ok(member) => {
                notify(
                    transport,
                    format_args!("Hello {}. /help says what can be done.", member.name()),
                );
                notify(transport, list(&self.room.who()));
                self.set_stage(Stage::Named(member));
            }
        }
    }

    /// A line of somebody who has a name.
    fn run(&mut self, cx: &mut Cx<'_>, line: &str) {
        let Stage::Named(member) = &self.stage else { return };
        let (now, transport) = (cx.now(), cx.transport());
        let done = match LineCommand::parse(line) {
            LineCommand::Nothing => Ok(()),
            LineCommand::Say(text) => member.say(now, text),
            LineCommand::Act(text) => member.act(now, text),
            LineCommand::Tell { to, text } => member
                .tell(now, to, text)
                .map(|to| notify(transport, format_args!("{to} was told."))),
            LineCommand::Rename(name) => member
                .rename(now, name)
                .map(|name| notify(transport, format_args!("You are now called {name}."))),
            LineCommand::Who => member.who(now).map(|names| notify(transport, list(&names))),
            LineCommand::Help => {
                transport.write(HELP.as_bytes());
                Ok(())
            }
            LineCommand::Quit => return self.quit(cx),
            LineCommand::Unknown(word) => {
                complain_unknown(transport, word);
                Ok(())
            }
        };
        match done {
            Ok(()) => {}
            Err(error @ RoomError::Flooding) => self.lose(cx, error),
            Err(error) => notify(transport, format_args!("Not done: {error}.")),
        }
    }

    fn quit(&mut self, cx: &mut Cx<'_>) {
        notify(cx.transport(), "Goodbye.");
        self.leave(Parting::Quit);
        cx.transport().lose_connection();
    }

    /// Says why, and loses the connection.
    fn lose(&mut self, cx: &mut Cx<'_>, error: RoomError) {
        notify(cx.transport(), format_args!("Goodbye: {error}."));
        self.leave(Parting::ConnectionLost);
        cx.transport().lose_connection();
    }

    /// Leaves the room, if it is in there.
    fn leave(&mut self, why: Parting) {
        if let Stage::Named(member) = self.set_stage(Stage::Gone) {
            member.leave(why);
        }
    }

    fn set_stage(&mut self, stage: Stage) -> Stage {
        let before = std::mem::replace(&mut self.stage, stage);
        if let Stage::Unnamed(Some(timer)) = &before {
            let _ = timer.cancel(); // Already run is as good.
        }
        before
    }
}

impl LineProtocol for LineMember {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        notify(cx.transport(), "Welcome to the room. What is your name?");
        let transport = cx.transport().downgrade();
        let timer = cx.reactor().call_later(NAME_TIMEOUT, move || give_up(&transport));
        self.stage = Stage::Unnamed(Some(timer));
    }

    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        match self.stage {
            Stage::Unnamed(_) => self.name_received(cx, &line),
            Stage::Named(_) => self.run(cx, &line),
            Stage::Gone => {}
        }
    }

    /// The line is passed over.
    fn line_too_long(&mut self, cx: &mut Cx<'_>, _: Failure) {
        let max = self.room.limits().message_bytes_max;
        notify(cx.transport(), format_args!("Not done: {}.", RoomError::TextTooLong(max)));
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.leave(match reason.kind() {
            FailureKind::ConnectionDone => Parting::Quit,
            FailureKind::Limit => Parting::TooSlow,
            _ => Parting::ConnectionLost,
        });
    }
}

impl Listener for LineListener {
    fn notified(&self, notice: &Notice) {
        self.0.write_bytes(notice.encoded::<LineForm>());
        if *notice.event() == RoomEvent::Closed {
            self.0.lose_connection();
        }
    }
}

/// Nobody has given a name.
fn give_up(transport: &WeakTransport) {
    if let Some(transport) = transport.upgrade() {
        notify(&transport, "Goodbye: no name was given.");
        transport.lose_connection();
    }
}

/// The word is the peer's own, but it may have been made to paste it.
fn complain_unknown(transport: &Transport, word: &str) {
    match Text::new(word, UNKNOWN_BYTES_MAX) {
        Ok(word) => {
            notify(transport, format_args!("There is no command /{word}; /help lists them."))
        }
        Err(_) => notify(transport, "There is no such command; /help lists them."),
    }
}

/// Of an unknown command as much is repeated: longer is no typing error.
const UNKNOWN_BYTES_MAX: usize = 32;
