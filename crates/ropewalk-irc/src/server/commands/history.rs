//! `CHATHISTORY` (IRCv3 draft/chathistory).

use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::Deferred;

use crate::network::{HistoryPoint, HistoryRange, MsgId, Record, Refusal};
use crate::server::encoding::encode;
use crate::server::outbox::{Answer, Outbox};
use crate::server::request::{About, Request, shown};
use crate::server::timestamp::{parse_timestamp, timestamp};
use crate::{ChannelName, Message};

pub(crate) fn chathistory(request: &Request<'_>) {
    let subcommand = request.param(0).to_ascii_uppercase();
    let read = match (subcommand.as_str(), request.message.params()) {
        ("TARGETS", [_, from, to, limit, ..]) => return targets(request, [from, to, limit]),
        ("LATEST", [_, _, "*", _, ..]) => Some(HistoryRange::Latest(None)),
        ("LATEST", [_, _, point, _, ..]) => {
            parse_point(point).map(|p| HistoryRange::Latest(Some(p)))
        }
        ("BEFORE", [_, _, point, _, ..]) => parse_point(point).map(HistoryRange::Before),
        ("AFTER", [_, _, point, _, ..]) => parse_point(point).map(HistoryRange::After),
        ("AROUND", [_, _, point, _, ..]) => parse_point(point).map(HistoryRange::Around),
        ("BETWEEN", [_, _, one, other, _, ..]) => {
            let points = parse_point(one).zip(parse_point(other));
            points.map(|(one, other)| HistoryRange::Between(one, other))
        }
        ("LATEST" | "BEFORE" | "AFTER" | "AROUND" | "BETWEEN" | "TARGETS", _) => {
            return fail(request, "NEED_MORE_PARAMS", &[&subcommand], "Missing parameters");
        }
        _ => return fail(request, "INVALID_PARAMS", &[&subcommand], "Unknown command"),
    };
    let limit = request.message.last_param().unwrap_or_default();
    let (Some(range), Some(count)) = (read, count(request, limit)) else {
        return fail(request, "INVALID_PARAMS", &[&subcommand], "Invalid parameters");
    };
    page(request, &subcommand, &range, count);
}

/// How many are wanted, and at most as many as a page has.
fn count(request: &Request<'_>, text: &str) -> Option<usize> {
    let count: usize = text.parse().ok()?;
    Some(count.min(request.shared.settings.limits.history_page_max))
}

fn parse_point(text: &str) -> Option<HistoryPoint> {
    match text.split_once('=')? {
        ("msgid", id) => MsgId::parse(id).map(HistoryPoint::Event),
        ("timestamp", at) => parse_timestamp(at).map(HistoryPoint::Time),
        _ => None,
    }
}

fn page(request: &Request<'_>, subcommand: &str, range: &HistoryRange, count: usize) {
    let target = request.param(1);
    let records = match request.user.history(target, range, count) {
        Ok(records) => records,
        // Where nothing is before or after an event that is not kept.
        Err(Refusal::NoSuchMessage) => Vec::new(),
        Err(refusal @ (Refusal::NotConnected | Refusal::Closed)) => {
            return request.refuse(refusal, About::default());
        }
        Err(_) => {
            let text = "Messages could not be retrieved";
            return fail(request, "INVALID_TARGET", &[subcommand, target], text);
        }
    };
    let Ok(channel) = request.user.channel(target) else { return };
    let missing = count - records.len().min(count);
    match older(request, &channel.name, range, &records, missing) {
        None => tell_page(request.out, &channel.name, &records),
        Some(older) => answer_with(request, subcommand, channel.name, older, records),
    }
}

/// What a store has before what is in memory, if that may be wanted.
fn older(
    request: &Request<'_>,
    channel: &ChannelName,
    range: &HistoryRange,
    records: &[Arc<Record>],
    missing: usize,
) -> Option<Deferred<Vec<Arc<Record>>>> {
    let store = request.shared.settings.history.as_ref().filter(|_| missing > 0)?;
    let oldest = records.first().map(|record| HistoryPoint::Event(record.msgid().clone()));
    let point = match range {
        HistoryRange::Latest(None) => oldest,
        HistoryRange::Before(point) => oldest.or_else(|| Some(point.clone())),
        _ => return None, // They begin where memory does, at the earliest.
    };
    Some(store.before(channel, point.as_ref(), missing))
}

/// Tells what comes from a store and what was in memory when it was asked, as one page.
fn answer_with(
    request: &Request<'_>,
    subcommand: &str,
    channel: ChannelName,
    older: Deferred<Vec<Arc<Record>>>,
    newer: Vec<Arc<Record>>,
) {
    let subcommand = subcommand.to_owned();
    let told = older.add_both(move |older| {
        let answer: Answer = match older {
            Ok(older) => Box::new(move |out| tell_page(out, &channel, &[older, newer].concat())),
            Err(failure) if newer.is_empty() => Box::new(move |out| {
                tracing::warn!(%failure, "what was said before could not be read");
                let text = "Messages could not be retrieved";
                fail_with(out, "MESSAGE_ERROR", &[&subcommand, channel.as_str()], text);
            }),
            // What is in memory is better than nothing.
            Err(_) => Box::new(move |out| tell_page(out, &channel, &newer)),
        };
        Ok(answer)
    });
    request.out.answer_later(told);
}

fn tell_page(out: &Outbox, channel: &ChannelName, records: &[Arc<Record>]) {
    let batch = begin_batch(out, &["chathistory", channel.as_str()]);
    for record in records {
        out.answer_line(encode(record, out.caps(), batch.as_deref()));
    }
    end_batch(out, batch);
}

/// The channels on which something was said between two moments, and when the last of it.
fn targets(request: &Request<'_>, [from, to, limit]: [&str; 3]) {
    let time = |text: &str| match parse_point(text) {
        Some(HistoryPoint::Time(at)) => Some(at),
        _ => None,
    };
    let (Some(from), Some(to), Some(count)) = (time(from), time(to), count(request, limit)) else {
        return fail(request, "INVALID_PARAMS", &["TARGETS"], "Invalid parameters");
    };
    let (from, to) = (from.min(to), from.max(to));
    let is_between = |at: &SystemTime| from < *at && *at < to;
    let all = request.user.history_targets().unwrap_or_default();
    let batch = begin_batch(request.out, &["draft/chathistory-targets"]);
    for (name, at) in all.iter().filter(|(_, at)| is_between(at)).take(count) {
        let params = ["TARGETS", name.as_str(), &timestamp(*at)];
        let message = Message::new("CHATHISTORY").with_params(&params);
        request.out.answer_in_batch(batch.as_deref(), &message);
    }
    end_batch(request.out, batch);
}

/// A client that does not know batches gets what would be in one.
fn begin_batch(out: &Outbox, params: &[&str]) -> Option<String> {
    let name = out.batch_name()?;
    let begin = format!("+{name}");
    out.answer(&Message::new("BATCH").with_param(&begin).with_params(params));
    Some(name)
}

fn end_batch(out: &Outbox, batch: Option<String>) {
    if let Some(name) = batch {
        out.answer(&Message::new("BATCH").with_param(&format!("-{name}")));
    }
}

fn fail(request: &Request<'_>, code: &str, context: &[&str], text: &str) {
    fail_with(request.out, code, context, text);
}

fn fail_with(out: &Outbox, code: &str, context: &[&str], text: &str) {
    let context = context.iter().map(|word| shown(word));
    let params: Vec<&str> = ["CHATHISTORY", code].into_iter().chain(context).collect();
    out.standard("FAIL", &params, text);
}
