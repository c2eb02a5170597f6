//! `PRIVMSG`, `NOTICE`, `TAGMSG`.

use crate::network::{Refusal, Speech, SpeechKind, Target};
use crate::numeric;
use crate::server::capability::Capability;
use crate::server::request::{About, Request, is_channel};
use crate::{LineLimits, TagList};

pub(crate) fn privmsg(request: &Request<'_>) {
    speak(request, SpeechKind::Message);
}

pub(crate) fn notice(request: &Request<'_>) {
    speak(request, SpeechKind::Notice);
}

/// To a notice nobody answers, not even a server that did not deliver it (RFC 2812 section 3.3.2).
fn speak(request: &Request<'_>, kind: SpeechKind) {
    let text = request.param(1);
    let Some(targets) = targets(request, kind == SpeechKind::Notice) else { return };
    let fits = |target: &&str| fits_line(request, kind, target, text);
    if !targets.iter().all(fits) {
        // Others would be told a part of it only, and the client would not know.
        return request.refuse(Refusal::TextTooLong(0), About::default());
    }
    if text.is_empty() {
        if kind == SpeechKind::Message {
            request.refuse(Refusal::TextEmpty, About::default());
        }
        return;
    }
    for target in targets {
        let speech = Speech { kind, text: text.into(), tags: client_tags(request).into() };
        match request.user.say(request.now, target, speech) {
            Err(refusal) => complain(request, target, refusal, kind == SpeechKind::Notice),
            Ok(said) => {
                if let (Target::User(who), Some(away), SpeechKind::Message) =
                    (said.to, said.away, kind)
                {
                    request.out.numeric(numeric::RPL_AWAY, &[who.nick().as_str()], &away);
                }
            }
        }
    }
}

/// Whether there is room for it in a line that begins with who it is from.
fn fits_line(request: &Request<'_>, kind: SpeechKind, target: &str, text: &str) -> bool {
    let source = request.user.identity().map_or(0, |identity| identity.to_string().len());
    let command = if kind == SpeechKind::Message { "PRIVMSG" } else { "NOTICE" };
    let frame = ":    :\r\n".len() - 1;
    let bytes = frame + source + command.len() + target.len() + text.len();
    bytes <= LineLimits::FROM_SERVER.body_bytes_max
}

pub(crate) fn tagmsg(request: &Request<'_>) {
    if !request.out.has(Capability::MessageTags) {
        let text = "Unknown command";
        return request.out.numeric(numeric::ERR_UNKNOWNCOMMAND, &["TAGMSG"], text);
    }
    let Some(targets) = targets(request, false) else { return };
    let tags = client_tags(request);
    if tags.is_empty() {
        return; // There is nothing to tell.
    }
    for target in targets {
        if let Err(refusal) = request.user.tag(request.now, target, &tags) {
            complain(request, target, refusal, false);
        }
    }
}

fn targets<'a>(request: &Request<'a>, is_silent: bool) -> Option<Vec<&'a str>> {
    let targets = request.targets()?;
    if targets.is_empty() && !is_silent {
        let text = format!("No recipient given ({})", request.command());
        request.out.numeric(numeric::ERR_NORECIPIENT, &[], &text);
    }
    Some(targets).filter(|targets| !targets.is_empty())
}

/// The ends of a connection are told whatever the command.
fn complain(request: &Request<'_>, target: &str, refusal: Refusal, is_silent: bool) {
    let is_end = matches!(refusal, Refusal::Flooding | Refusal::NotConnected | Refusal::Closed);
    if is_end || refusal == Refusal::TooFast || !is_silent {
        let refusal = match refusal {
            // What begins as a channel does is none that is there.
            Refusal::NoSuchNick if is_channel(target) => Refusal::NoSuchChannel,
            refusal => refusal,
        };
        request.refuse(refusal, About::target(target));
    }
}

/// The tags that are passed on, if the client may send any.
fn client_tags(request: &Request<'_>) -> String {
    let mut tags = TagList::new();
    if request.out.has(Capability::MessageTags) {
        let client_only = request.message.tags().iter().filter(|tag| tag.is_client_only());
        for tag in client_only {
            let _ = tags.push_tag(tag); // One that is no tag is nobody's loss.
        }
    }
    tags.as_tags().as_str().to_owned()
}
