//! `MODE`, of channels and of the user.

use crate::network::{
    ChannelFlag, ChannelInfo, MaskList, Mode, ModeChange, Rank, Refusal, UserMode,
};
use crate::server::request::{About, Request, is_channel, shown};
use crate::server::timestamp::unix_seconds;
use crate::{Message, numeric};

/// Changes with a parameter in one command: what a line has room for, besides the command's own two.
pub(crate) const MODES_PER_COMMAND_MAX: usize = crate::PARAMS_MAX - 2;

pub(crate) fn mode(request: &Request<'_>) {
    let target = request.param(0);
    if !is_channel(target) {
        return user_mode(request, target);
    }
    let Some(channel) = request.take(request.user.channel(target), About::channel(target)) else {
        return;
    };
    if request.param(1).is_empty() {
        return tell_modes(request, &channel);
    }
    let mut asked =
        Asked { request, channel: &channel, next_param: 2, changes: Vec::new(), told: Vec::new() };
    asked.read(request.param(1));
    if !asked.changes.is_empty() {
        let changes = std::mem::take(&mut asked.changes);
        change(request, channel.name.as_str(), &changes);
    }
}

/// The key only for who is on the channel.
fn tell_modes(request: &Request<'_>, channel: &ChannelInfo) {
    let (name, letters) = (channel.name.as_str(), channel.modes.letters());
    let limit = channel.modes.limit.map(|limit| limit.to_string());
    let mut params = vec![name, letters.as_str()];
    params.extend(channel.modes.key.as_deref());
    params.extend(limit.as_deref());
    request.out.numeric_of(numeric::RPL_CHANNELMODEIS, &params);
    let created = unix_seconds(channel.created_at).to_string();
    request.out.numeric_of(numeric::RPL_CREATIONTIME, &[name, &created]);
}

/// What a client asks to change, as far as it was read.
struct Asked<'r, 'a> {
    request: &'r Request<'a>,
    channel: &'r ChannelInfo,
    next_param: usize,
    changes: Vec<ModeChange>,
    /// Lists that were told: each once, however often its letter stands there.
    told: Vec<MaskList>,
}

impl<'a> Asked<'_, 'a> {
    /// Reads the letters, and takes a parameter for each that has one. What is only asked is answered at once.
    fn read(&mut self, letters: &str) {
        let mut adds = true;
        for letter in letters.chars() {
            match letter {
                '+' => adds = true,
                '-' => adds = false,
                letter => {
                    let mode = self.mode(adds, letter);
                    self.changes.extend(mode.map(|mode| ModeChange { adds, mode }));
                }
            }
        }
    }

    fn mode(&mut self, adds: bool, letter: char) -> Option<Mode> {
        if let Some(flag) = ChannelFlag::of_letter(letter) {
            return Some(Mode::Flag(flag));
        }
        if let Some(list) = MaskList::of_letter(letter) {
            return match self.param().filter(|mask| !mask.is_empty()) {
                Some(mask) => Some(Mode::Mask(list, mask.into())),
                None => {
                    if !self.told.contains(&list) {
                        self.told.push(list);
                        tell_list(self.request, self.channel.name.as_str(), list);
                    }
                    None
                }
            };
        }
        if let Some(rank) = Rank::of_letter(letter) {
            let nick = self.needed()?;
            return Some(Mode::Rank(rank, nick.into()));
        }
        match (letter, adds) {
            ('k', true) => Some(Mode::Key(self.needed()?.into())),
            // Which key it was does not matter; a client gives it all the same.
            ('k', false) => Some(Mode::Key(self.param().unwrap_or("*").into())),
            ('l', true) => self.limit(),
            ('l', false) => Some(Mode::Limit(0)),
            _ => {
                let text = "is unknown mode char to me";
                self.request.out.numeric(numeric::ERR_UNKNOWNMODE, &[&letter.to_string()], text);
                None
            }
        }
    }

    fn limit(&mut self) -> Option<Mode> {
        let text = self.needed()?;
        let limit = text.parse().ok().filter(|limit| *limit > 0);
        if limit.is_none() {
            let params = [self.channel.name.as_str(), "l", shown(text)];
            self.request.out.numeric(numeric::ERR_INVALIDMODEPARAM, &params, "Invalid limit");
        }
        limit.map(Mode::Limit)
    }

    /// The next parameter, without which there is no change.
    fn needed(&mut self) -> Option<&'a str> {
        let param = self.param();
        if param.is_none() {
            self.request.need_more_params();
        }
        param
    }

    fn param(&mut self) -> Option<&'a str> {
        let param = self.request.message.param(self.next_param);
        self.next_param += 1;
        param
    }
}

fn change(request: &Request<'_>, channel: &str, changes: &[ModeChange]) {
    let refused = request.user.set_modes(request.now, channel, changes);
    let Some(refused) = request.take(refused, About::channel(channel)) else { return };
    for (index, refusal) in refused {
        let mode = &changes[index].mode;
        match (mode, refusal) {
            (Mode::Rank(_, nick), _) => request.refuse(refusal, About { nick, channel }),
            (Mode::Key(_), Refusal::BadKey) => {
                // What it was is not repeated: it may be a password, mistyped.
                let params = [channel, "k", "*"];
                request.out.numeric(numeric::ERR_INVALIDMODEPARAM, &params, "Invalid key");
            }
            (Mode::Mask(..), Refusal::ListFull) => {
                let params = [channel, &mode.letter().to_string()];
                request.out.numeric(numeric::ERR_BANLISTFULL, &params, "Channel list is full");
            }
            _ => request.refuse(refusal, About::channel(channel)),
        }
    }
}

fn tell_list(request: &Request<'_>, channel: &str, list: MaskList) {
    let (entry, end, text) = match list {
        MaskList::Bans => {
            (numeric::RPL_BANLIST, numeric::RPL_ENDOFBANLIST, "End of channel ban list")
        }
        MaskList::Exceptions => {
            (numeric::RPL_EXCEPTLIST, numeric::RPL_ENDOFEXCEPTLIST, "End of channel exception list")
        }
        MaskList::Invitations => {
            (numeric::RPL_INVITELIST, numeric::RPL_ENDOFINVITELIST, "End of channel invite list")
        }
    };
    let masks = request.user.masks(channel, list);
    let Some(masks) = request.take(masks, About::channel(channel)) else { return };
    for found in masks {
        let at = unix_seconds(found.at).to_string();
        request.out.numeric_of(entry, &[channel, found.mask.as_str(), &found.by, &at]);
    }
    request.out.numeric(end, &[channel], text);
}

fn user_mode(request: &Request<'_>, target: &str) {
    let Some(found) = request.take(request.user.find(target), About::nick(target)) else { return };
    if found.identity.id() != request.user.id() {
        let text = "Can't change mode for other users";
        return request.out.numeric(numeric::ERR_USERSDONTMATCH, &[], text);
    }
    if request.param(1).is_empty() {
        return request.out.numeric_of(numeric::RPL_UMODEIS, &[&found.modes.letters()]);
    }
    let changed = change_own(request, request.param(1));
    if !changed.is_empty() {
        let (source, nick) = (found.identity.to_string(), found.identity.nick().as_str());
        let message = Message::new("MODE").with_params(&[nick, &changed]);
        request.out.answer_as(&source, &message);
    }
}

/// Sets the user's modes; gives what has changed.
fn change_own(request: &Request<'_>, letters: &str) -> String {
    let (mut adds, mut changed, mut sign, mut is_unknown) = (true, String::new(), None, false);
    for letter in letters.chars() {
        match (letter, UserMode::of_letter(letter)) {
            ('+', _) => adds = true,
            ('-', _) => adds = false,
            (_, None) => is_unknown = true,
            (_, Some(mode)) => {
                if request.user.set_mode(mode, adds) == Ok(true) {
                    if sign.replace(adds) != Some(adds) {
                        changed.push(if adds { '+' } else { '-' });
                    }
                    changed.push(letter);
                }
            }
        }
    }
    if is_unknown {
        request.out.numeric(numeric::ERR_UMODEUNKNOWNFLAG, &[], "Unknown MODE flag");
    }
    changed
}
