//! The load of a chat: thousands of browsers wait for news by long polls, somebody says a line, and all hear it.
//!
//! What is timed is from the line to the last browser that has it. Then all wait again, and the next line is said.
//! See `benches/peers/http/` for what a server of it answers.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fd::OwnedFd;

use crate::connection::is_whole_response;
use crate::latencies::Latencies;
use crate::ping_pong::SILENCE_MAX;
use crate::report::{Gauge, Report};
use crate::target::{Target, Wire};

/// The browsers of a chat, on one thread.
pub struct Crowd {
    epoll: OwnedFd,
    browsers: Vec<Browser>,
    speaker: Browser,
    /// How many have heard the line that was said.
    heard: usize,
}

struct Browser {
    wire: Wire,
    token: String,
    /// The number of the last event that it has.
    since: u64,
    answer: Vec<u8>,
    /// Whether it has not heard the line that was said.
    waits: bool,
}

/// How long after a line the server has to be waited for by all again.
const SETTLING: Duration = Duration::from_millis(20);
/// The same before the first: a line that is said before a browser waits it never hears.
const BEFORE_FIRST: Duration = Duration::from_secs(1);
/// Lines said before any is timed.
const WARM_UP: usize = 3;
/// So many events may come together.
const EVENTS_MAX: usize = 1024;

impl Crowd {
    /// Has `browsers` come in, one after the other, and wait.
    ///
    /// # Errors
    ///
    /// What the system says, or that the server does not answer as it should.
    pub fn open(server: &Target, browsers: usize) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let speaker = Browser::join(server, "speaker")?;
        let joined = (0..browsers).map(|number| Browser::join(server, &format!("b{number}")));
        let mut browsers = joined.collect::<io::Result<Vec<_>>>()?;
        for (index, browser) in browsers.iter_mut().enumerate() {
            browser.wire.socket().set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(index as u64);
            let events = epoll::EventFlags::IN | epoll::EventFlags::ET;
            epoll::add(&epoll, &browser.wire, data, events)?;
            browser.poll()?;
        }
        std::thread::sleep(BEFORE_FIRST);
        Ok(Self { epoll, browsers, speaker, heard: 0 })
    }

    /// Says so many lines, each when all have heard the one before, and times when the last browser has each.
    ///
    /// # Errors
    ///
    /// If the server loses somebody or falls silent.
    pub fn run(&mut self, lines: usize, server_pid: u32) -> io::Result<Report> {
        for number in 0..WARM_UP {
            self.say(number)?;
        }
        let mut latencies = Latencies::new();
        let gauge = Gauge::begin(server_pid)?;
        for number in 0..lines {
            latencies.record(self.say(WARM_UP + number)?);
        }
        gauge.end(&latencies)
    }

    fn say(&mut self, number: usize) -> io::Result<Duration> {
        self.heard = 0;
        self.browsers.iter_mut().for_each(|browser| browser.waits = true);
        let began = Instant::now();
        self.speaker.say(number)?;
        let mut events = Vec::with_capacity(EVENTS_MAX);
        while self.heard < self.browsers.len() {
            let count = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE_MAX))?;
            if count == 0 {
                let missing = self.browsers.len() - self.heard;
                let what = format!("{missing} browsers do not hear line {number}");
                return Err(io::Error::new(ErrorKind::TimedOut, what));
            }
            for event in events.drain(..) {
                let index = usize::try_from(event.data.u64()).expect("it was an index");
                self.heard += usize::from(self.browsers[index].hear(number)?);
            }
        }
        let took = began.elapsed();
        self.speaker.answer()?;
        std::thread::sleep(SETTLING);
        Ok(took)
    }
}

/// What stands in the text of a line, for a browser to know it by.
fn line(number: usize) -> String {
    format!("line.{number}.of.some.length.as.people.say.it")
}

impl Browser {
    fn join(server: &Target, name: &str) -> io::Result<Self> {
        let wire = server.connect()?;
        // What was before is of no interest; nobody counts so far.
        let (token, since) = (String::new(), u64::MAX);
        let mut this = Self { wire, token, since, answer: Vec::new(), waits: false };
        this.post("/join", &format!("name={name}"))?;
        let answer = this.answer()?;
        let token = answer.split_once("\"token\":\"").and_then(|(_, rest)| rest.split('"').next());
        token.unwrap_or_default().clone_into(&mut this.token);
        if this.token.is_empty() {
            return Err(io::Error::other(format!("{name} is not let in: {answer}")));
        }
        Ok(this)
    }

    fn say(&mut self, number: usize) -> io::Result<()> {
        // Number 0 is that of nothing.
        let form =
            format!("token={}&room=%23lobby&line={}&text={}", self.token, number + 1, line(number));
        self.post("/say", &form)
    }

    fn post(&mut self, path: &str, form: &str) -> io::Result<()> {
        let (token, length) = (&self.token, form.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nChat-Token: {token}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        self.wire.write_all(request.as_bytes())
    }

    fn poll(&mut self) -> io::Result<()> {
        let (since, token) = (self.since, &self.token);
        let request = format!(
            "GET /news?since={since} HTTP/1.1\r\nHost: 127.0.0.1\r\nChat-Token: {token}\r\n\r\n"
        );
        self.wire.write_all(request.as_bytes())
    }

    /// Waits for the whole answer; gives its body.
    fn answer(&mut self) -> io::Result<String> {
        let mut buffer = [0; 4096];
        while !is_whole_response(&self.answer) {
            match self.wire.read(&mut buffer)? {
                0 => {
                    let said = String::from_utf8_lossy(&self.answer).into_owned();
                    return Err(io::Error::new(ErrorKind::ConnectionAborted, said));
                }
                count => self.answer.extend_from_slice(&buffer[..count]),
            }
        }
        let answer = String::from_utf8_lossy(&std::mem::take(&mut self.answer)).into_owned();
        Ok(answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }

    /// Takes what came; if that is news, waits for more. True if the line is among it.
    fn hear(&mut self, number: usize) -> io::Result<bool> {
        let mut has_heard = false;
        loop {
            let body = match self.answer() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(has_heard),
                other => other?,
            };
            let numbers = body
                .split("\"n\":")
                .skip(1)
                .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
            self.since = numbers.max().unwrap_or(self.since);
            has_heard |= self.waits && body.contains(&line(number));
            self.waits &= !has_heard;
            self.poll()?;
        }
    }
}
