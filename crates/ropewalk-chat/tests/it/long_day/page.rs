//! [`Page`]: somebody who comes by a browser. It asks as the page's script does.
//!
//! Promised to them: whatever happens to their connections, they hear everything exactly once, in order, until they leave
//! or have not been heard of for a minute; and what they say once is said once, however often it is sent.

use std::time::Duration;

use ropewalk_core::Time;
use serde_json::Value;

use super::ledger::Ears;
use super::person::{Person, Slowness};
use super::wire::{Answer, Fault, Wire};
use super::world::{Fate, ROOMS, Trouble, World};

/// A browser's tab.
pub(crate) struct Page {
    /// By a stream of events, not by polls.
    by_stream: bool,
    process: usize,
    door: Option<Door>,
    seat: Option<Seat>,
}

/// They have asked to come in.
struct Door {
    wire: Wire,
    since: Time,
    name: String,
    ears: Ears,
}

/// They are in.
struct Seat {
    process: usize,
    name: String,
    token: String,
    ears: Ears,
    rooms: Vec<String>,
    /// The number of the last event that was shown.
    last: u64,
    waiting: Option<Waiting>,
    /// When to ask again after a failure, and how long to wait after the next one.
    retry_at: Time,
    retry_after: Duration,
    /// The number of the last line.
    line: u64,
    saying: Option<Saying>,
    slowness: Slowness,
    /// When the last request was sent that the server has certainly seen.
    seen_at: Time,
    reloaded_at: Option<Time>,
    has_left: bool,
}

/// The request that waits for news.
struct Waiting {
    wire: Wire,
    asked_at: Time,
    heard_at: Time,
    /// Of a stream: whether its head has come, and what has come of an event.
    is_open: bool,
    rest: String,
}

/// A line that is being said.
struct Saying {
    wire: Wire,
    since: Time,
    line: u64,
    room: String,
    text: String,
    /// What of it others hear; a command may have none.
    said: Option<String>,
    attempts: u32,
}

/// As long the page waits for news.
const NEWS_TIMEOUT: Duration = Duration::from_secs(60);
/// As long people wait for an answer, before they try again.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(15);
/// Who was heard of within this time is not to be thought gone.
const ABSENT_MAX: Duration = Duration::from_secs(60);
/// Who has said that they are loaded again are to be back within this time.
const RETURN_MAX: Duration = Duration::from_secs(5);
/// After this they are back, or are gone.
const FORGOTTEN: Duration = Duration::from_secs(120);

impl Page {
    pub(crate) fn new(process: usize, by_stream: bool) -> Self {
        Self { by_stream, process, door: None, seat: None }
    }

    fn knock(&mut self, world: &World) {
        let name = format!("page{}", world.number());
        let ears = Ears::new(world.ledger(self.process), &name, true);
        let wire = post(world, self.process, "/join", "", &format!("name={name}"));
        self.door = Some(Door { wire, since: world.now(), name, ears });
    }

    fn look_at_door(&mut self, world: &World) {
        let Some(door) = self.door.take() else { return };
        match door.wire.take_answer() {
            Some(answer) if answer.status == 200 => {
                door.wire.abort();
                world.arrive(&door.name);
                self.seat = Some(Seat::new(world, self.process, door, &answer));
            }
            Some(answer) => panic!("not let in: {} {}", answer.status, answer.body),
            None if door.wire.is_lost() => {}
            None if world.now().since(door.since) >= PATIENCE => world.bury(door.wire),
            None => self.door = Some(door),
        }
    }

    /// The server says that they are not there any more.
    fn fall_out(&mut self, world: &World) {
        let Some(seat) = self.seat.take() else { return };
        let absent = world.now().since(seat.seen_at);
        let was_reloaded = seat.reloaded_at.is_some_and(|at| world.now().since(at) < FORGOTTEN);
        let absent_max = if was_reloaded { RETURN_MAX } else { ABSENT_MAX };
        assert!(
            seat.has_left || absent >= absent_max,
            "{} was thrown out after {absent:?}",
            seat.name
        );
        world.note(Trouble::BrowserOut);
        seat.close(world);
    }
}

impl Seat {
    fn new(world: &World, process: usize, door: Door, answer: &Answer) -> Self {
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self {
            process,
            name: door.name,
            token,
            ears: door.ears,
            rooms: Vec::new(),
            last: 0,
            waiting: None,
            retry_at: world.now(),
            retry_after: Duration::from_secs(1),
            line: 0,
            saying: None,
            slowness: Slowness::default(),
            seen_at: door.since,
            reloaded_at: None,
            has_left: false,
        }
    }

    /// News. `false` if the server says that they are gone.
    fn look_for_news(&mut self, world: &World, by_stream: bool) -> bool {
        let Some(mut waiting) = self.waiting.take() else {
            if world.now() >= self.retry_at {
                self.ask_for_news(world, by_stream);
            }
            return true;
        };
        let status = if by_stream {
            self.read_stream(world, &mut waiting)
        } else {
            self.read_poll(&waiting)
        };
        match status {
            Some(410) => {
                waiting.wire.abort();
                return false;
            }
            Some(200) => {
                self.retry_after = Duration::from_secs(1);
                if !by_stream {
                    self.ask_again(world, waiting.wire);
                    return true;
                }
            }
            Some(status) => panic!("news: {status}"),
            None => {}
        }
        if waiting.wire.is_lost() || world.now().since(waiting.heard_at) >= NEWS_TIMEOUT {
            world.note(Trouble::NewsLost);
            world.bury(waiting.wire);
            self.retry_at = world.now() + self.retry_after;
            self.retry_after = (self.retry_after * 2).min(RETRY_MAX);
        } else {
            self.waiting = Some(waiting);
        }
        true
    }

    /// The next poll, sometimes on the same connection.
    fn ask_again(&mut self, world: &World, wire: Wire) {
        if world.chance(50) {
            wire.abort();
            return self.ask_for_news(world, false);
        }
        wire.write(&self.request_for_news(false));
        self.wait_on(world, wire);
    }

    fn ask_for_news(&mut self, world: &World, by_stream: bool) {
        let request = self.request_for_news(by_stream);
        let wire = Wire::open(world.reactor(), &format!("web{}", self.process), &request);
        self.wait_on(world, wire);
    }

    fn wait_on(&mut self, world: &World, wire: Wire) {
        let (now, rest) = (world.now(), String::new());
        let waiting = Waiting { wire, asked_at: now, heard_at: now, is_open: false, rest };
        self.waiting = Some(waiting);
    }

    fn request_for_news(&self, by_stream: bool) -> String {
        let path = if by_stream { "events" } else { "news" };
        let (token, last) = (&self.token, self.last);
        format!("GET /{path}?since={last} HTTP/1.1\r\nHost: room\r\nChat-Token: {token}\r\n\r\n")
    }

    /// The page is loaded again. What it says while it goes may come after what it asks when it is back.
    fn reload(&mut self, world: &World, by_stream: bool) {
        if let Some(waiting) = self.waiting.take() {
            world.bury(waiting.wire);
        }
        self.reloaded_at = Some(world.now());
        let is_late = world.chance(30);
        if is_late {
            self.ask_for_news(world, by_stream);
        }
        let form = format!("token={}&soon=yes", self.token);
        post(world, self.process, "/leave", "", &form);
        if !is_late {
            self.ask_for_news(world, by_stream);
        }
    }

    fn read_poll(&mut self, waiting: &Waiting) -> Option<u16> {
        let answer = waiting.wire.take_answer()?;
        if answer.status == 200 {
            self.seen_at = waiting.asked_at;
            let events: Vec<Value> = serde_json::from_str(&answer.body).expect("JSON");
            events.iter().for_each(|event| self.show(event));
        }
        Some(answer.status)
    }

    fn read_stream(&mut self, world: &World, waiting: &mut Waiting) -> Option<u16> {
        if !waiting.is_open {
            let status = waiting.wire.take_head()?;
            if status != 200 {
                return Some(status);
            }
            waiting.is_open = true;
            self.seen_at = waiting.asked_at;
        }
        let chunks = waiting.wire.take_chunks();
        if !chunks.is_empty() {
            waiting.heard_at = world.now();
        }
        waiting.rest.push_str(&chunks);
        while let Some(end) = waiting.rest.find("\n\n") {
            let event: String = waiting.rest.drain(..end + 2).collect();
            if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                self.show(&serde_json::from_str(data).expect("JSON"));
            }
        }
        Some(200)
    }

    fn show(&mut self, event: &Value) {
        let text = |field: &str| event[field].as_str().unwrap_or_default();
        let number = event["n"].as_u64().expect("it is numbered");
        if number <= self.last {
            return; // As the page's script does.
        }
        assert_eq!(number, self.last + 1, "{} is missing something before {event}", self.name);
        self.last = number;
        match text("kind") {
            "said" | "acted" => self.ears.hear(text("name"), text("text")),
            "room" => self.rooms.push(text("room").to_owned()),
            "parted" if text("name") == self.name => self.rooms.retain(|one| one != text("room")),
            "gap" | "closed" | "killed" => panic!("{} was told {event}", self.name),
            _ => {}
        }
    }

    fn say(&mut self, world: &World, room: &str, text: String, said: Option<String>) {
        self.line += 1;
        let saying = Saying {
            wire: Wire::default(),
            since: world.now(),
            line: self.line,
            room: room.to_owned(),
            text,
            said,
            attempts: 0,
        };
        self.send(world, saying);
    }

    fn send(&mut self, world: &World, mut saying: Saying) {
        let form = format!("room={}&text={}&line={}", saying.room, saying.text, saying.line);
        let form = form.replace('#', "%23").replace(' ', "+");
        saying.wire =
            post(world, self.process, "/say", &format!("Chat-Token: {}\r\n", self.token), &form);
        saying.since = world.now();
        saying.attempts += 1;
        self.saying = Some(saying);
    }

    fn look_for_answer(&mut self, world: &World) {
        let Some(saying) = self.saying.take() else { return };
        if let Some(answer) = saying.wire.take_answer() {
            saying.wire.abort();
            return saying.answered(world, answer.status);
        }
        let is_over = saying.wire.is_lost() || world.now().since(saying.since) >= PATIENCE;
        if !is_over {
            self.saying = Some(saying);
        } else if world.chance(80) {
            world.note(Trouble::LineSentAgain);
            world.bury(saying.wire.clone());
            self.send(world, saying);
        } else {
            world.bury(saying.wire);
        }
    }

    /// Looks no more at anything.
    fn close(self, world: &World) {
        world.depart(&self.name);
        self.waiting.into_iter().for_each(|waiting| world.bury(waiting.wire));
        self.saying.into_iter().for_each(|saying| world.bury(saying.wire));
    }

    fn act(&mut self, world: &World) {
        let Some(room) = world.pick(&self.rooms).filter(|_| self.saying.is_none()) else { return };
        match world.below(20) {
            0 => {
                let other = world.pick(&ROOMS).expect("there are some");
                self.say(world, &room, format!("/join {other}"), None);
            }
            1 if room != "#lobby" => self.say(world, &room, "/leave".to_owned(), None),
            2..4 => {
                let Some(other) = world.somebody(&self.name) else { return };
                let text = world.text(&other);
                self.say(world, &room, format!("/msg {other} {text}"), Some(text));
            }
            4 => {
                let text = world.text(&room);
                self.say(world, &room, format!("/me {text}"), Some(text));
            }
            _ => {
                let text = world.text(&room);
                self.say(world, &room, text.clone(), Some(text));
            }
        }
    }
}

impl Saying {
    fn answered(&self, world: &World, status: u16) {
        let Some(said) = &self.said else { return };
        match status {
            200 => world.set_fate(said, Fate::Told),
            _ if self.attempts == 1 => world.set_fate(said, Fate::Refused),
            _ => {}
        }
    }
}

impl Person for Page {
    fn look(&mut self, world: &World) {
        self.look_at_door(world);
        let Some(seat) = &mut self.seat else { return };
        seat.slowness.look(world, seat.waiting.as_ref().map(|waiting| &waiting.wire));
        seat.look_for_answer(world);
        if !seat.look_for_news(world, self.by_stream) {
            self.fall_out(world);
        }
    }

    fn act(&mut self, world: &World) {
        match &mut self.seat {
            Some(seat) if world.chance(5) => seat.reload(world, self.by_stream),
            Some(seat) => seat.act(world),
            None if self.door.is_none() => self.knock(world),
            None => {}
        }
    }

    fn suffer(&mut self, world: &World, fault: Fault) {
        let Some(seat) = &mut self.seat else { return };
        if let Some(saying) = seat.saying.as_ref().filter(|_| world.chance(70)) {
            return saying.wire.suffer(&world.network, fault);
        }
        let Some(waiting) = &seat.waiting else { return };
        waiting.wire.suffer(&world.network, fault);
        seat.slowness.begin(world, fault, 50);
    }

    fn go(&mut self, world: &World) {
        if let Some(door) = self.door.take() {
            world.bury(door.wire);
        }
        let Some(mut seat) = self.seat.take() else { return };
        let (token, soon) = (&seat.token, if world.chance(50) { "&soon=yes" } else { "" });
        if world.chance(70) {
            // Nobody waits for the answer.
            post(world, self.process, "/leave", "", &format!("token={token}{soon}"));
            seat.has_left = true;
        }
        seat.close(world);
    }

    fn check_all_heard(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.ears.check_all_heard();
            assert!(seat.saying.is_none(), "{} waits for an answer", seat.name);
        }
    }
}

fn post(world: &World, process: usize, path: &str, head: &str, form: &str) -> Wire {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: room\r\n{head}Content-Length: {length}\r\n\r\n{form}"
    );
    Wire::open(world.reactor(), &format!("web{process}"), &request)
}
