//! [`LineMember`]: the way in for who comes with `nc` or `telnet`.
//!
//! The first line that makes a name is the name; from then on each line is said in the room that is in view, or is a
//! command.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Cx, DelayedCall, Failure, FailureKind, Transport, WeakTransport};
use ropewalk_framing::LineProtocol;
use ropewalk_irc::network::{Refusal, Registration, User};

use crate::Chat;
use crate::command::Command;
use crate::curiosity::Curiosity;
use crate::line_form::{notify, past_line};
use crate::line_view::LineView;
use crate::talk::{self, Done, list};
use crate::text::plain;

/// One connection that speaks lines.
pub struct LineMember {
    chat: Chat,
    stage: Stage,
}

enum Stage {
    /// Until there is a name, the call that ends the waiting for one.
    Unnamed(Option<DelayedCall>),
    Named(Rc<Person>),
    /// Out of the chat; what was written to the connection is being sent.
    Gone,
}

/// Who it is, once there is a name.
struct Person {
    user: User,
    view: Rc<LineView>,
    curiosity: Curiosity,
}

/// How long may be thought about a name. Connections without one are not counted as users, so they are not to stay.
const NAME_TIMEOUT: Duration = Duration::from_secs(60);

impl LineMember {
    /// Somebody who is going to come into `chat`.
    pub fn new(chat: Chat) -> Self {
        Self { chat, stage: Stage::Unnamed(None) }
    }

    /// A line before there is a name.
    fn name_received(&mut self, cx: &mut Cx<'_>, line: &str) {
        match Command::parse(line) {
            Command::Nothing => {}
            Command::Quit => self.quit(cx),
            Command::Say(name) => self.join(cx, name),
            _ => notify(cx.transport(), "First a name, please."),
        }
    }

    fn join(&mut self, cx: &mut Cx<'_>, name: &str) {
        match self.enter(cx, name) {
            Err(refusal @ (Refusal::Full | Refusal::Closed)) => self.lose(cx, refusal),
            Err(refusal) => {
                notify(cx.transport(), format_args!("Another name, please: {refusal}."))
            }
            Ok(person) => {
                self.set_stage(Stage::Named(person));
            }
        }
    }

    fn enter(&self, cx: &Cx<'_>, name: &str) -> Result<Rc<Person>, Refusal> {
        let (transport, lobby) = (cx.transport(), self.chat.lobby());
        let view = LineView::new(transport);
        let registration = Registration {
            user: "lines".into(),
            host: self.chat.server().network().hidden_host(&transport.peer(), "lines"),
            ..Registration::new(name)
        };
        let user = self.chat.server().connect(cx.now(), &registration, view.clone())?;
        view.set_own(user.id());
        user.join(cx.now(), lobby.as_str(), None)?;
        view.set_room(Some(lobby.clone()));
        let name = user.identity()?.nick().clone();
        notify(transport, format_args!("Hello {name}. /help says what can be done."));
        show_room(transport, &user, lobby.as_str())?;
        Ok(Rc::new(Person { user, view, curiosity: Curiosity::default() }))
    }

    /// A line of somebody who has a name.
    fn run(&mut self, cx: &mut Cx<'_>, line: &str) {
        let Stage::Named(person) = &self.stage else { return };
        let person = person.clone();
        match person.run(cx, &Command::parse(line)) {
            Ok(Done::Nothing) => {}
            Ok(Done::Notes(notes)) => notes.iter().for_each(|note| notify(cx.transport(), note)),
            Ok(Done::Show(room)) => {
                notify(cx.transport(), format_args!("You are in {room} now."));
                // It cannot be gone: somebody is there.
                let _ = show_room(cx.transport(), &person.user, room.as_str());
                person.view.set_room(Some(room));
            }
            Ok(Done::History(count)) => self.show_past(cx, &person, count),
            Ok(Done::Quit) => self.quit(cx),
            Err(refusal @ (Refusal::Flooding | Refusal::Closed | Refusal::NotConnected)) => {
                self.lose(cx, refusal);
            }
            Err(refusal) => notify(cx.transport(), format_args!("Not done: {refusal}.")),
        }
    }

    fn show_past(&self, cx: &mut Cx<'_>, person: &Person, count: usize) {
        let room = person.view.room();
        let room = room.as_ref().map_or("", |room| room.as_str());
        let past = match self.chat.past(&person.user, room, None, count) {
            Ok(past) => past,
            Err(refusal) => return notify(cx.transport(), format_args!("Not done: {refusal}.")),
        };
        let transport = cx.transport().downgrade();
        let shown = past.add_both(move |past| {
            let Some(transport) = transport.upgrade() else { return };
            match past {
                Ok(past) if past.is_empty() => notify(&transport, "Nothing was said here."),
                Ok(past) => past.iter().for_each(|past| notify(&transport, past_line(past))),
                Err(why) => {
                    tracing::error!(target: "ropewalk::chat", "{why}");
                    notify(&transport, "Not done: the past cannot be read.");
                }
            }
        });
        drop(shown);
    }

    fn quit(&mut self, cx: &mut Cx<'_>) {
        notify(cx.transport(), "Goodbye.");
        self.leave("quit");
        cx.transport().lose_connection();
    }

    /// Says why, and loses the connection.
    fn lose(&mut self, cx: &mut Cx<'_>, refusal: Refusal) {
        notify(cx.transport(), format_args!("Goodbye: {refusal}."));
        self.leave("connection lost");
        cx.transport().lose_connection();
    }

    /// Leaves the chat, if it is in there.
    fn leave(&mut self, why: &str) {
        if let Stage::Named(person) = self.set_stage(Stage::Gone) {
            person.user.quit(why);
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

impl Person {
    fn run(&self, cx: &mut Cx<'_>, command: &Command<'_>) -> Result<Done, Refusal> {
        if command.is_question() && !self.curiosity.may_ask(cx.now()) {
            return Err(Refusal::TooFast);
        }
        let view = self.view.room();
        let view = view.as_ref().map(|room| room.as_str());
        let done = talk::run(&self.user, cx.now(), view, command)?;
        if matches!(command, Command::Leave(_)) {
            self.look_elsewhere(cx.transport())?;
        }
        Ok(done)
    }

    /// After a room was left: if it was in view, another is.
    fn look_elsewhere(&self, transport: &Transport) -> Result<(), Refusal> {
        let rooms = self.user.channels()?;
        if self.view.room().is_some_and(|view| rooms.contains(&view)) {
            return Ok(());
        }
        match rooms.first() {
            Some(room) => notify(transport, format_args!("You are in {room} now.")),
            None => notify(transport, "You are in no room; /join #ROOM is how to be in one."),
        }
        self.view.set_room(rooms.into_iter().next());
        Ok(())
    }
}

/// Says who is in a room, and what it is about.
fn show_room(transport: &Transport, user: &User, room: &str) -> Result<(), Refusal> {
    notify(transport, list(&user.names(room)?));
    if let Some(topic) = user.topic(room)? {
        notify(transport, format_args!("{room} is about: {}", plain(&topic.text)));
    }
    Ok(())
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
        let max = self.chat.server().limits().message_bytes_max;
        notify(cx.transport(), format_args!("Not done: {}.", Refusal::TextTooLong(max)));
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.leave(match reason.kind() {
            FailureKind::ConnectionDone => "quit",
            FailureKind::Limit => "too slow",
            _ => "connection lost",
        });
    }
}

/// Nobody has given a name.
fn give_up(transport: &WeakTransport) {
    if let Some(transport) = transport.upgrade() {
        notify(&transport, "Goodbye: no name was given.");
        transport.lose_connection();
    }
}
