//! Changing the modes of a channel.

use std::sync::Arc;

use super::{Moment, State};
use crate::network::channel::Channel;
use crate::network::identity::{cut, line};
use crate::network::speech::check_line;
use crate::network::{
    ChannelFlag, Event, MaskEntry, MaskList, Mode, ModeChange, Rank, Refusal, UserId,
};
use crate::{Mask, fold};

impl State {
    /// Does as many of the changes as can be done; gives which could not, and why. What is so already is no
    /// change.
    pub(crate) fn set_modes(
        &mut self,
        who: UserId,
        text: &str,
        changes: &[ModeChange],
        at: Moment,
    ) -> Result<Vec<(usize, Refusal)>, Refusal> {
        let channel = self.channel(text)?;
        self.check_operator(who, channel)?;
        let name = channel.name.clone();
        self.step(who, at)?;
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for (index, change) in changes.iter().enumerate() {
            match self.set_mode(who, text, change, at) {
                Ok(change) => done.extend(change),
                Err(refusal) => refused.push((index, refusal)),
            }
        }
        if !done.is_empty() {
            let changed = Event::ModeChanged { channel: name.clone(), changes: done.into() };
            let record = self.record(self.identity(who)?, changed, at);
            self.post_to_channel(&record, &name);
        }
        Ok(refused)
    }

    /// One change, as it is to be told; `None` if it changes nothing.
    fn set_mode(
        &mut self,
        who: UserId,
        text: &str,
        change: &ModeChange,
        at: Moment,
    ) -> Result<Option<ModeChange>, Refusal> {
        let adds = change.adds;
        let mode = match &change.mode {
            Mode::Flag(flag) => set_flag(self.channel_mut(text)?, adds, *flag),
            Mode::Key(key) => self.set_key(text, adds, key)?,
            Mode::Limit(limit) => set_limit(self.channel_mut(text)?, adds, *limit),
            Mode::Mask(list, mask) => self.set_mask(who, text, adds, *list, mask, at)?,
            Mode::Rank(rank, nick) => self.set_rank(text, adds, *rank, nick)?,
        };
        Ok(mode.map(|mode| ModeChange { adds, mode }))
    }

    /// Which key is taken back does not matter: nobody else has to know it.
    fn set_key(&mut self, text: &str, adds: bool, key: &str) -> Result<Option<Mode>, Refusal> {
        let key: Arc<str> = cut(key, self.limits.key_bytes_max).into();
        let channel = self.channel_mut(text)?;
        if !adds {
            return Ok(channel.modes.key.take().map(Mode::Key));
        }
        if key.is_empty() || key.starts_with(':') || key.contains([' ', ',']) {
            return Err(Refusal::BadKey);
        }
        check_line(&key)?;
        let before = channel.modes.key.replace(key.clone());
        Ok((before.as_ref() != Some(&key)).then_some(Mode::Key(key)))
    }

    fn set_mask(
        &mut self,
        who: UserId,
        text: &str,
        adds: bool,
        list: MaskList,
        mask: &str,
        at: Moment,
    ) -> Result<Option<Mode>, Refusal> {
        let mask = Mask::new(&whole_mask(&line(mask, self.limits.reason_bytes_max)));
        let by = self.identity(who)?.to_string().into();
        let masks_max = self.limits.masks_per_list_max;
        let entries = self.channel_mut(text)?.list_mut(list);
        let place = entries.iter().position(|entry| is_same(&entry.mask, &mask));
        let mask = match (adds, place) {
            (true, None) if entries.len() >= masks_max => return Err(Refusal::ListFull),
            (true, None) => {
                entries.push(MaskEntry { mask: mask.clone(), by, at: at.wall });
                mask
            }
            (false, Some(place)) => entries.remove(place).mask,
            _ => return Ok(None),
        };
        Ok(Some(Mode::Mask(list, mask.as_str().into())))
    }

    fn set_rank(
        &mut self,
        text: &str,
        adds: bool,
        rank: Rank,
        nick: &str,
    ) -> Result<Option<Mode>, Refusal> {
        let (whose, user) = self.called(nick)?;
        let shown = user.identity.nick.as_str().into();
        let ranks = self.channel_mut(text)?.members.get_mut(&whose);
        let ranks = ranks.ok_or(Refusal::UserNotOnChannel)?;
        let place = match rank {
            Rank::Operator => &mut ranks.operator,
            Rank::Voice => &mut ranks.voice,
        };
        let changed = std::mem::replace(place, adds) != adds;
        Ok(changed.then_some(Mode::Rank(rank, shown)))
    }
}

fn set_flag(channel: &mut Channel, adds: bool, flag: ChannelFlag) -> Option<Mode> {
    channel.modes.set(flag, adds).then_some(Mode::Flag(flag))
}

fn set_limit(channel: &mut Channel, adds: bool, limit: usize) -> Option<Mode> {
    let limit = adds.then_some(limit);
    let before = std::mem::replace(&mut channel.modes.limit, limit);
    (before != limit).then_some(Mode::Limit(limit.unwrap_or_default()))
}

/// A mask that says something of nickname, user and host: what it does not say may be anything.
fn whole_mask(text: &str) -> String {
    let text = text.trim_start_matches(':').replace(char::is_whitespace, "_");
    match (text.contains('!'), text.contains('@')) {
        (true, true) => text,
        (true, false) => format!("{text}@*"),
        (false, true) => format!("*!{text}"),
        (false, false) => format!("{text}!*@*"),
    }
}

fn is_same(one: &Mask, other: &Mask) -> bool {
    fold(one.as_str()) == fold(other.as_str())
}
