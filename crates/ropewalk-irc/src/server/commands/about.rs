//! What a client may ask about the server: `LUSERS`, `MOTD`, `VERSION`, `TIME`, `ADMIN`, `INFO`, `LINKS`, `STATS`,
//! `HELP`.

use crate::numeric;
use crate::server::request::{Request, shown};
use crate::server::shared::VERSION;
use crate::server::timestamp::{timestamp, unix_seconds};
use crate::server::welcome::{tell_counts, tell_motd, tell_support};

/// Whether the question is for this server, the only one: its name, a user's, or nothing. Else it is answered.
fn is_here(request: &Request<'_>, index: usize) -> bool {
    let target = request.param(index);
    let server_name = &request.shared.settings.server_name;
    let is_here = target.is_empty()
        || crate::Mask::new(target).matches(server_name)
        || request.user.find(target).is_ok();
    if !is_here {
        request.out.numeric(numeric::ERR_NOSUCHSERVER, &[shown(target)], "No such server");
    }
    is_here
}

pub(crate) fn lusers(request: &Request<'_>) {
    tell_counts(request);
}

pub(crate) fn motd(request: &Request<'_>) {
    if is_here(request, 0) {
        tell_motd(request);
    }
}

pub(crate) fn version(request: &Request<'_>) {
    if is_here(request, 0) {
        let params = [VERSION, request.shared.settings.server_name.as_str()];
        request.out.numeric(numeric::RPL_VERSION, &params, "Ropewalk");
        tell_support(request);
    }
}

pub(crate) fn time(request: &Request<'_>) {
    if is_here(request, 0) {
        let now = timestamp(request.shared.server.calendar_now());
        request.out.numeric(numeric::RPL_TIME, &[&request.shared.settings.server_name], &now);
    }
}

pub(crate) fn admin(request: &Request<'_>) {
    if !is_here(request, 0) {
        return;
    }
    let settings = &request.shared.settings;
    let text = format!("Administrative info about {}", settings.server_name);
    request.out.numeric(numeric::RPL_ADMINME, &[&settings.server_name], &text);
    let numerics = [numeric::RPL_ADMINLOC1, numeric::RPL_ADMINLOC2, numeric::RPL_ADMINEMAIL];
    for (numeric, line) in numerics.into_iter().zip(&settings.admin) {
        request.out.numeric(numeric, &[], line);
    }
}

pub(crate) fn info(request: &Request<'_>) {
    if is_here(request, 0) {
        let started = format!("Started {}", timestamp(request.shared.started_at));
        for line in [VERSION, "An event-driven networking engine: Twisted for Rust", &started] {
            request.out.numeric(numeric::RPL_INFO, &[], line);
        }
        request.out.numeric(numeric::RPL_ENDOFINFO, &[], "End of /INFO list");
    }
}

/// There is one server.
pub(crate) fn links(request: &Request<'_>) {
    let settings = &request.shared.settings;
    let name = settings.server_name.as_str();
    let text = format!("0 {}", settings.description);
    request.out.numeric(numeric::RPL_LINKS, &[name, name], &text);
    request.out.numeric(numeric::RPL_ENDOFLINKS, &["*"], "End of /LINKS list");
}

/// Only how long the server runs: the rest is the operators' own business.
pub(crate) fn stats(request: &Request<'_>) {
    let query = request.param(0);
    if query == "u" {
        let now = unix_seconds(request.shared.server.calendar_now());
        let seconds = now.saturating_sub(unix_seconds(request.shared.started_at));
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        let text = format!("Server Up {days} days {hours}:{minutes:02}:{seconds:02}");
        request.out.numeric(numeric::RPL_STATSUPTIME, &[], &text);
    }
    request.out.numeric(numeric::RPL_ENDOFSTATS, &[shown(query)], "End of /STATS report");
}

/// The commands, by name.
pub(crate) fn help(request: &Request<'_>) {
    let subject = shown(request.param(0));
    let is_known = subject == "*" || super::find(subject).is_some();
    if !is_known {
        let text = "No help available on this topic";
        return request.out.numeric(numeric::ERR_HELPNOTFOUND, &[subject], text);
    }
    request.out.numeric(numeric::RPL_HELPSTART, &[subject], "The commands of this server:");
    for commands in super::ALL.chunks(HELP_WORDS_PER_LINE) {
        let names: Vec<&str> = commands.iter().map(|command| command.name).collect();
        request.out.numeric(numeric::RPL_HELPTXT, &[subject], &names.join(" "));
    }
    request.out.numeric(numeric::RPL_ENDOFHELP, &[subject], "End of /HELP");
}

const HELP_WORDS_PER_LINE: usize = 8;
