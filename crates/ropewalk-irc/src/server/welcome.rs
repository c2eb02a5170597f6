//! What a client is told when it is registered: 001 to 005, how many there are, the message of the day.

use super::request::Request;
use super::shared::VERSION;
use super::timestamp::timestamp;
use crate::network::ChannelFlag;
use crate::numeric;

/// Tokens of one `RPL_ISUPPORT`: with the client's name and the text at the end they are the fifteen parameters.
const TOKENS_PER_LINE: usize = 13;

pub(crate) fn welcome(request: &Request<'_>) {
    let (out, settings) = (request.out, &request.shared.settings);
    let Ok(identity) = request.user.identity() else { return };
    let (server, network) = (settings.server_name.as_str(), settings.network_name.as_str());
    let text = format!("Welcome to the {network} Network, {identity}");
    out.numeric(numeric::RPL_WELCOME, &[], &text);
    let text = format!("Your host is {server}, running version {VERSION}");
    out.numeric(numeric::RPL_YOURHOST, &[], &text);
    let text = format!("This server was created {}", timestamp(request.shared.started_at));
    out.numeric(numeric::RPL_CREATED, &[], &text);
    let params = [server, VERSION, "Biow", "CIbeiklmnostv", "Ibeklov"];
    out.numeric_of(numeric::RPL_MYINFO, &params);
    tell_support(request);
    tell_counts(request);
    tell_motd(request);
}

/// `RPL_ISUPPORT`, in as many lines as it takes.
pub(crate) fn tell_support(request: &Request<'_>) {
    let tokens = support(request);
    for tokens in tokens.chunks(TOKENS_PER_LINE) {
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        request.out.numeric(numeric::RPL_ISUPPORT, &tokens, "are supported by this server");
    }
}

fn support(request: &Request<'_>) -> Vec<String> {
    let (limits, own) = (request.shared.server.limits(), &request.shared.settings.limits);
    let flags: String = ChannelFlag::ALL.into_iter().map(ChannelFlag::letter).collect();
    let targets = own.targets_max;
    let masks = limits.masks_per_list_max;
    // Names are folded by all of Unicode here. Clients know ASCII's rules at most; that is enough for them, since
    // each name is written in one way in all that they are sent.
    let mut tokens: Vec<String> = [
        "CASEMAPPING=ascii",
        "CHANTYPES=#",
        "ELIST=CMNTU",
        "EXCEPTS=e",
        "INVEX=I",
        "MSGREFTYPES=msgid,timestamp",
        "PREFIX=(ov)@+",
        "SAFELIST",
        "STATUSMSG=@+",
        "BOT=B",
        "UTF8ONLY",
        "WHOX",
    ]
    .map(str::to_owned)
    .into();
    tokens.extend([
        format!("AWAYLEN={}", limits.away_bytes_max),
        format!("CHANLIMIT=#:{}", limits.channels_per_user_max),
        format!("CHANMODES=Ibe,k,l,{flags}"),
        format!("CHANNELLEN={}", limits.channel_bytes_max),
        format!("CHATHISTORY={}", own.history_page_max),
        format!("HOSTLEN={}", limits.host_bytes_max),
        format!("KEYLEN={}", limits.key_bytes_max),
        format!("KICKLEN={}", limits.reason_bytes_max),
        format!("MAXLIST=I:{masks},b:{masks},e:{masks}"),
        format!("MODES={}", super::commands::MODES_PER_COMMAND_MAX),
        format!("MONITOR={}", limits.watched_max),
        format!("NAMELEN={}", limits.realname_bytes_max),
        format!("NETWORK={}", request.shared.settings.network_name.replace(' ', "\\x20")),
        format!("NICKLEN={}", limits.nick_bytes_max),
        format!(
            "TARGMAX=JOIN:,KICK:,NAMES:{targets},NOTICE:{targets},PART:,PRIVMSG:{targets},TAGMSG:{targets}"
        ),
        format!("TOPICLEN={}", limits.topic_bytes_max),
        // The first of it is a `~`.
        format!("USERLEN={}", limits.user_bytes_max.saturating_sub(1)),
    ]);
    tokens.sort();
    tokens
}

/// `LUSERS`.
pub(crate) fn tell_counts(request: &Request<'_>) {
    let (out, counts) = (request.out, request.shared.server.counts());
    let visible = counts.users.saturating_sub(counts.invisible);
    let text = format!("There are {visible} users and {} invisible on 1 servers", counts.invisible);
    out.numeric(numeric::RPL_LUSERCLIENT, &[], &text);
    let some = |numeric, count: usize, text| {
        if count > 0 {
            out.numeric(numeric, &[&count.to_string()], text);
        }
    };
    some(numeric::RPL_LUSEROP, counts.operators, "operator(s) online");
    some(numeric::RPL_LUSERUNKNOWN, request.shared.unknown.get(), "unknown connection(s)");
    some(numeric::RPL_LUSERCHANNELS, counts.channels, "channels formed");
    let text = format!("I have {} clients and 0 servers", counts.users);
    out.numeric(numeric::RPL_LUSERME, &[], &text);
    let (now, most) = (counts.users.to_string(), counts.users_peak.to_string());
    let text = format!("Current local users {now}, max {most}");
    out.numeric(numeric::RPL_LOCALUSERS, &[&now, &most], &text);
    let text = format!("Current global users {now}, max {most}");
    out.numeric(numeric::RPL_GLOBALUSERS, &[&now, &most], &text);
}

/// `MOTD`.
pub(crate) fn tell_motd(request: &Request<'_>) {
    let (out, settings) = (request.out, &request.shared.settings);
    if settings.motd.is_empty() {
        return out.numeric(numeric::ERR_NOMOTD, &[], "There is no message of the day");
    }
    let text = format!("- {} Message of the day - ", settings.server_name);
    out.numeric(numeric::RPL_MOTDSTART, &[], &text);
    for line in &settings.motd {
        out.numeric(numeric::RPL_MOTD, &[], &format!("- {line}"));
    }
    out.numeric(numeric::RPL_ENDOFMOTD, &[], "End of /MOTD command");
}
