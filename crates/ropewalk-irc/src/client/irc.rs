//! [`Irc`]: the speaking half.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, FailureKind};

use crate::{CaseMapping, Message, TagList};

use super::asked::{AskMasks, AskModes, AskTopic, List, ListEntry, MaskEntry, Names};
use super::done::Done;
use super::isupport::ISupport;
use super::people::{AskWho, AskWhois, WhoEntry, Whois};
use super::roster::{Channel, Member, Topic};
use super::session::Session;

/// A connection to a server, to be asked and told things: a cheap handle, all clones of which are the same.
///
/// # Fires
/// A request's Deferred fires when the server has said that it was done, or what was asked. Its failure is a
/// [`ServerError`](super::ServerError) if the server refused it; of kind `Timeout` if nothing came for
/// `request_timeout`; `Limit` if too much waits (`queued_lines_max`, `requests_max`) or came (`answer_entries_max`);
/// `Local` if it cannot be said (a name is one: no spaces, no commas), or before [`signed_on`](Self::signed_on); and when the connection is lost, why.
///
/// # Ordering
/// Lines leave in the order in which they were asked for, at the pace of `line_burst` and `line_interval`. Where the
/// server has `labeled-response`, answers are known by their labels. Else they are known by what they are about; two
/// requests about the same thing are then taken to be answered in order.
///
/// # Cancellation
/// A request that was not sent yet is not sent. The answer of one that was sent is passed over.
#[derive(Clone)]
pub struct Irc(pub(crate) Rc<Session>);

impl Irc {
    /// Fires when the server has let this client in; at once if it has.
    pub fn signed_on(&self) -> Deferred<()> {
        let mut state = self.0.state.borrow_mut();
        if let Some(lost) = &state.ends.lost {
            return Deferred::fail(lost.clone());
        }
        if state.registration.is_signed_on() {
            return Deferred::succeed(());
        }
        let session = Rc::downgrade(&self.0);
        let (resolver, signed_on) = Deferred::with_canceller(move || {
            if let Some(session) = session.upgrade() {
                session.abort(Failure::cancelled());
            }
        });
        state.ends.signed_on.push(resolver);
        signed_on
    }

    /// Whether the server has let this client in, and the connection is there.
    pub fn is_signed_on(&self) -> bool {
        self.0.check_ready().is_ok()
    }

    /// What this client is called.
    pub fn nick(&self) -> String {
        self.0.state.borrow().nick.clone()
    }

    /// The account that it is logged in to.
    pub fn account(&self) -> Option<String> {
        self.0.state.borrow().registration.login.account.clone()
    }

    /// What the server supports.
    pub fn isupport(&self) -> Rc<ISupport> {
        self.0.state.borrow().isupport.clone()
    }

    /// Which names are the same here.
    pub fn case_mapping(&self) -> CaseMapping {
        self.isupport().case_mapping
    }

    /// Whether a capability is switched on.
    pub fn has_capability(&self, name: &str) -> bool {
        self.0.state.borrow().capabilities.has(name)
    }

    /// The value that the server offers a capability with; `None` if it does not offer it.
    pub fn offered_capability(&self, name: &str) -> Option<String> {
        self.0.state.borrow().capabilities.offered(name).map(str::to_owned)
    }

    /// The message of the day; its first thousand lines.
    pub fn motd(&self) -> Vec<String> {
        self.0.state.borrow().motd.clone()
    }

    /// How long the server took when it was last asked for a sign of life.
    pub fn lag(&self) -> Option<Duration> {
        self.0.state.borrow().lag.measured
    }

    /// How many lines wait for their turn.
    pub fn queued_lines(&self) -> usize {
        self.0.state.borrow().queue.len()
    }

    /// The channels that this client is in, in no order.
    pub fn channels(&self) -> Vec<String> {
        self.0.state.borrow().roster.channels().map(|channel| channel.name.clone()).collect()
    }

    /// Who is in a channel that this client is in, in no order; this client, too.
    pub fn members(&self, channel: &str) -> Vec<Member> {
        self.of_channel(channel, |known| known.members().cloned().collect()).unwrap_or_default()
    }

    /// Whether there are more than `members_max` let be known.
    pub fn is_partial(&self, channel: &str) -> bool {
        self.of_channel(channel, |known| known.is_partial).unwrap_or(false)
    }

    /// Somebody in a channel that this client is in.
    pub fn member(&self, channel: &str, nick: &str) -> Option<Member> {
        self.0.state.borrow().roster.member(channel, nick).cloned()
    }

    /// The topic of a channel that this client is in.
    pub fn topic(&self, channel: &str) -> Option<Topic> {
        self.of_channel(channel, |known| known.topic.clone())
    }

    /// The modes of a channel that this client is in and their parameters, as far as they were seen:
    /// [`ask_modes`](Self::ask_modes) sees all.
    pub fn modes(&self, channel: &str) -> Vec<(char, String)> {
        let pairs = |known: &Channel| known.modes.iter().map(|(m, p)| (*m, p.clone())).collect();
        self.of_channel(channel, pairs).unwrap_or_default()
    }

    fn of_channel<R>(&self, channel: &str, look: impl FnOnce(&Channel) -> R) -> Option<R> {
        self.0.state.borrow().roster.channel(channel).map(look)
    }

    /// Goes into a channel. Fires when this client is in there and knows who else is; at once if it is.
    pub fn join(&self, channel: &str) -> Deferred<()> {
        self.join_with(channel, Message::new("JOIN").with_param(channel))
    }

    /// Goes into a channel that has a key.
    pub fn join_with_key(&self, channel: &str, key: &str) -> Deferred<()> {
        self.join_with(channel, Message::new("JOIN").with_param(channel).with_param(key))
    }

    fn join_with(&self, channel: &str, message: Message<'_>) -> Deferred<()> {
        if self.of_channel(channel, |_| ()).is_some() {
            return Deferred::succeed(()); // A server says nothing to that.
        }
        if self.is_signed_on() && !self.isupport().is_channel(channel) {
            // `JOIN 0` leaves all channels.
            let why = format!(
                "{channel:?} is no channel: {} begin one here",
                self.isupport().channel_types
            );
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        }
        self.0.ask(Done::join(channel), message)
    }

    /// Leaves a channel; `reason` may be empty.
    pub fn part(&self, channel: &str, reason: &str) -> Deferred<()> {
        let message = with_text(Message::new("PART").with_param(channel), reason);
        self.0.ask(Done::part(channel), message)
    }

    /// Says something, to a channel or a user. What is too long for one message is said in several; each line is at
    /// least one.
    ///
    /// # Fires
    /// When the server has taken it, if that labels its answers; else when it was sent. Who refuses it then tells
    /// [`refused`](super::IrcClient::refused).
    pub fn privmsg(&self, target: &str, text: &str) -> Deferred<()> {
        self.0.say("PRIVMSG", target, "", text)
    }

    /// The same as a notice: what programs say, and no program answers.
    pub fn notice(&self, target: &str, text: &str) -> Deferred<()> {
        self.0.say("NOTICE", target, "", text)
    }

    /// Does something: `/me`.
    pub fn action(&self, target: &str, text: &str) -> Deferred<()> {
        self.0.say("PRIVMSG", target, "ACTION", text)
    }

    /// Asks somebody's client something: `VERSION`, `PING`, `TIME`. The answer, if there is one, is told to
    /// [`ctcp_replied`](super::IrcClient::ctcp_replied).
    pub fn ctcp_query(&self, target: &str, word: &str, params: &str) -> Deferred<()> {
        self.0.say_ctcp("PRIVMSG", target, word, params)
    }

    /// Answers what somebody's client has asked.
    pub fn ctcp_reply(&self, target: &str, word: &str, params: &str) -> Deferred<()> {
        self.0.say_ctcp("NOTICE", target, word, params)
    }

    /// Sends only tags: that this client is typing, a reaction.
    ///
    /// # Errors
    /// `Local` as well if the server does not have `message-tags`.
    pub fn tagmsg(&self, target: &str, tags: &TagList) -> Deferred<()> {
        if !self.has_capability("message-tags") {
            return lacks("message-tags");
        }
        let message = Message::new("TAGMSG").with_tags(tags.as_tags()).with_param(target);
        self.0.ask(Done::say("TAGMSG", target), message)
    }

    /// Sets the topic of a channel; an empty one takes it away.
    pub fn set_topic(&self, channel: &str, topic: &str) -> Deferred<()> {
        let message = Message::new("TOPIC").with_param(channel).with_trailing(topic);
        self.0.ask(Done::set_topic(channel), message)
    }

    /// Asks for the topic of any channel.
    pub fn ask_topic(&self, channel: &str) -> Deferred<Topic> {
        self.0.ask(AskTopic::new(channel), Message::new("TOPIC").with_param(channel))
    }

    /// Changes modes of a channel or of this client: `irc.mode("#ropes", &["+ov", "dan", "eve"])`.
    ///
    /// # Fires
    /// Also if nothing was to be changed.
    pub fn mode(&self, target: &str, changes: &[&str]) -> Deferred<()> {
        let message = Message::new("MODE").with_param(target).with_params(changes);
        self.0.ask(Done::mode(target), message)
    }

    /// Asks for the modes of a channel and their parameters.
    pub fn ask_modes(&self, channel: &str) -> Deferred<Vec<(char, String)>> {
        self.0.ask(AskModes::new(channel), Message::new("MODE").with_param(channel))
    }

    /// Asks for the masks on a list of a channel's: `b` who is banned, `e` whom no ban holds for, `I` who needs no
    /// invitation.
    ///
    /// # Errors
    /// `Local` as well for any other mode.
    pub fn ask_masks(&self, channel: &str, mode: char) -> Deferred<Vec<MaskEntry>> {
        if !matches!(mode, 'b' | 'e' | 'I') {
            let why = format!("no list is called {mode:?}: b, e and I are known");
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        }
        let letter = mode.to_string();
        let message = Message::new("MODE").with_param(channel).with_param(&letter);
        self.0.ask(AskMasks::new(channel, mode), message)
    }

    /// Throws somebody out of a channel; `reason` may be empty.
    pub fn kick(&self, channel: &str, nick: &str, reason: &str) -> Deferred<()> {
        let message = Message::new("KICK").with_param(channel).with_param(nick);
        self.0.ask(Done::kick(channel, nick), with_text(message, reason))
    }

    /// Invites somebody to a channel.
    pub fn invite(&self, nick: &str, channel: &str) -> Deferred<()> {
        let message = Message::new("INVITE").with_param(nick).with_param(channel);
        self.0.ask(Done::invite(nick, channel), message)
    }

    /// Asks who is in any channel.
    pub fn names(&self, channel: &str) -> Deferred<Vec<Member>> {
        let message = Message::new("NAMES").with_param(channel);
        self.0.ask(Names::new(channel), message)
    }

    /// Asks who there is, in a channel or by a mask.
    pub fn who(&self, mask: &str) -> Deferred<Vec<WhoEntry>> {
        self.0.ask(AskWho::new(mask), Message::new("WHO").with_param(mask))
    }

    /// Asks who somebody is.
    pub fn whois(&self, nick: &str) -> Deferred<Whois> {
        let message = Message::new("WHOIS").with_param(nick);
        self.0.ask(AskWhois::new(nick), message)
    }

    /// Asks which channels there are; `filter` as the server has it (`ELIST`), or empty.
    pub fn list(&self, filter: &str) -> Deferred<Vec<ListEntry>> {
        let message = Message::new("LIST");
        let message = if filter.is_empty() { message } else { message.with_param(filter) };
        self.0.ask(List::new(), message)
    }

    /// Is away, and says why; with an empty `reason` is back.
    pub fn away(&self, reason: &str) -> Deferred<()> {
        self.0.ask(Done::away(), with_text(Message::new("AWAY"), reason))
    }

    /// Takes another real name.
    ///
    /// # Errors
    /// `Local` as well if the server does not have `setname`.
    pub fn setname(&self, realname: &str) -> Deferred<()> {
        if !self.has_capability("setname") {
            return lacks("setname");
        }
        self.0.ask(Done::setname(), Message::new("SETNAME").with_trailing(realname))
    }

    /// Takes another nick, which from then on is the one that this client wants to have.
    pub fn set_nick(&self, nick: &str) -> Deferred<()> {
        let asked = self.0.ask(Done::nick(nick), Message::new("NICK").with_param(nick));
        let (session, nick) = (Rc::downgrade(&self.0), nick.to_owned());
        asked.add_callback(move |()| {
            if let Some(session) = session.upgrade() {
                session.state.borrow_mut().nick_wanted = nick;
            }
        })
    }

    /// Leaves the network; fires when the connection is lost. What waits for its turn is not sent.
    ///
    /// # Fires
    /// Always with a success; at once if the connection is gone.
    pub fn quit(&self, reason: &str) -> Deferred<()> {
        let (resolver, quit) = Deferred::new();
        {
            let mut state = self.0.state.borrow_mut();
            if state.ends.lost.is_some() {
                return Deferred::succeed(());
            }
            state.ends.is_quitting = true;
            state.ends.quit.push(resolver);
        }
        self.0.begin_quit(&with_text(Message::new("QUIT"), reason));
        quit
    }

    /// Loses the connection at once, without taking leave: everything that waits fails.
    pub fn abort(&self) {
        if let Some(transport) = self.0.transport() {
            transport.abort_connection();
        }
    }

    /// Sends any message, when its turn comes. Nothing waits for an answer.
    ///
    /// # Errors
    /// It cannot be said, or too much waits already, or the connection is not there.
    pub fn send(&self, message: &Message<'_>) -> Result<(), Failure> {
        self.0.queue(message)
    }
}

fn with_text<'a>(message: Message<'a>, text: &'a str) -> Message<'a> {
    if text.is_empty() { message } else { message.with_trailing(text) }
}

fn lacks(capability: &str) -> Deferred<()> {
    let why = format!("the server does not have the capability {capability}");
    Deferred::fail(Failure::new(FailureKind::Local, why))
}

impl fmt::Debug for Irc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Irc({})", self.nick())
    }
}
