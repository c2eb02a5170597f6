//! The numerics: what a server answers, by number.
//!
//! Names and numbers are those of the modern client protocol (ircdocs), which has sorted out what thirty years of
//! servers gave them; a few numbers are used for something else by some servers. They are text, as they stand in
//! a line, so that a [`Message`](crate::Message)'s command can be matched with them.
//!
//! ```
//! use ropewalk_irc::numeric;
//! assert_eq!(numeric::ERR_NICKNAMEINUSE, "433");
//! assert_eq!(numeric::name("433"), Some("ERR_NICKNAMEINUSE"));
//! assert!(numeric::is_error("433") && !numeric::is_error(numeric::RPL_WELCOME));
//! ```

/// One table for the constants and their names, so that neither lacks what the other has.
macro_rules! numerics {
    ($($name:ident = $number:literal, $doc:literal;)*) => {
        $(#[doc = $doc] pub const $name: &str = $number;)*

        /// What the numeric is called; `None` if it is none of these.
        pub fn name(numeric: &str) -> Option<&'static str> {
            match numeric {
                $($number => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

/// Whether it says that something was not done: by its number, so that unknown ones are told apart, too.
pub fn is_error(numeric: &str) -> bool {
    let of_sasl = matches!(numeric, ERR_NICKLOCKED | ERR_SASLFAIL | ERR_SASLTOOLONG)
        || matches!(numeric, ERR_SASLABORTED | ERR_SASLALREADY);
    let of_others = matches!(numeric, ERR_STARTTLS | ERR_INVALIDMODEPARAM | ERR_MONLISTFULL);
    numeric.len() == 3 && (numeric.starts_with(['4', '5']) || of_sasl || of_others)
}

numerics! {
    RPL_WELCOME = "001", "A user is registered; the first parameter of this and of all numerics is their nick.";
    RPL_YOURHOST = "002", "The server's name and version.";
    RPL_CREATED = "003", "When the server was started.";
    RPL_MYINFO = "004", "Name, version, user modes, channel modes of the server.";
    RPL_ISUPPORT = "005", "What the server supports, as tokens (`CHANTYPES=#`).";
    RPL_BOUNCE = "010", "Another server should be used.";
    RPL_STATSCOMMANDS = "212", "How often a command was used (`STATS m`).";
    RPL_ENDOFSTATS = "219", "The end of an answer to `STATS`.";
    RPL_UMODEIS = "221", "The user's own modes.";
    RPL_STATSUPTIME = "242", "How long the server runs (`STATS u`).";
    RPL_LUSERCLIENT = "251", "How many users there are.";
    RPL_LUSEROP = "252", "How many operators there are.";
    RPL_LUSERUNKNOWN = "253", "How many connections are not registered.";
    RPL_LUSERCHANNELS = "254", "How many channels there are.";
    RPL_LUSERME = "255", "How many clients and servers this server has.";
    RPL_ADMINME = "256", "The beginning of an answer to `ADMIN`.";
    RPL_ADMINLOC1 = "257", "Where the server is.";
    RPL_ADMINLOC2 = "258", "Whose the server is.";
    RPL_ADMINEMAIL = "259", "How to reach who runs the server.";
    RPL_TRYAGAIN = "263", "The server is too busy for this command now.";
    RPL_LOCALUSERS = "265", "Users of this server, and the most there were.";
    RPL_GLOBALUSERS = "266", "Users of the network, and the most there were.";
    RPL_WHOISCERTFP = "276", "The fingerprint of a user's certificate (`WHOIS`).";
    RPL_NONE = "300", "Nothing that a client knows.";
    RPL_AWAY = "301", "A user is away, and why.";
    RPL_USERHOST = "302", "The answer to `USERHOST`.";
    RPL_ISON = "303", "The answer to `ISON`.";
    RPL_UNAWAY = "305", "The user is no longer away.";
    RPL_NOWAWAY = "306", "The user is away now.";
    RPL_WHOISREGNICK = "307", "A user owns the nick (`WHOIS`).";
    RPL_WHOISUSER = "311", "Nick, user, host and real name (`WHOIS`).";
    RPL_WHOISSERVER = "312", "The server a user is on (`WHOIS`).";
    RPL_WHOISOPERATOR = "313", "A user is an operator (`WHOIS`).";
    RPL_WHOWASUSER = "314", "Nick, user, host and real name of who was here (`WHOWAS`).";
    RPL_ENDOFWHO = "315", "The end of an answer to `WHO`.";
    RPL_WHOISIDLE = "317", "Seconds since a user spoke, and when they came (`WHOIS`).";
    RPL_ENDOFWHOIS = "318", "The end of an answer to `WHOIS`.";
    RPL_WHOISCHANNELS = "319", "Channels that a user is in (`WHOIS`).";
    RPL_WHOISSPECIAL = "320", "Something else about a user (`WHOIS`).";
    RPL_LISTSTART = "321", "The beginning of an answer to `LIST`; not always sent.";
    RPL_LIST = "322", "A channel, how many are in it, its topic (`LIST`).";
    RPL_LISTEND = "323", "The end of an answer to `LIST`.";
    RPL_CHANNELMODEIS = "324", "The modes of a channel.";
    RPL_CREATIONTIME = "329", "When a channel was made, in seconds of Unix time.";
    RPL_WHOISACCOUNT = "330", "The account that a user is logged in to (`WHOIS`).";
    RPL_NOTOPIC = "331", "A channel has no topic.";
    RPL_TOPIC = "332", "The topic of a channel.";
    RPL_TOPICWHOTIME = "333", "Who set a topic, and when.";
    RPL_WHOISBOT = "335", "A user is a bot (`WHOIS`).";
    RPL_INVITELIST_OWN = "336", "A channel that the user is invited to (`INVITE` alone).";
    RPL_ENDOFINVITELIST_OWN = "337", "The end of the channels that the user is invited to.";
    RPL_WHOISACTUALLY = "338", "The address that a user really comes from (`WHOIS`).";
    RPL_INVITING = "341", "A user was invited.";
    RPL_INVITELIST = "346", "A mask that needs no invitation (`MODE +I`).";
    RPL_ENDOFINVITELIST = "347", "The end of the masks that need no invitation.";
    RPL_EXCEPTLIST = "348", "A mask that no ban holds for (`MODE +e`).";
    RPL_ENDOFEXCEPTLIST = "349", "The end of the masks that no ban holds for.";
    RPL_VERSION = "351", "The server's version.";
    RPL_WHOREPLY = "352", "A user (`WHO`).";
    RPL_NAMREPLY = "353", "Members of a channel, with their prefixes.";
    RPL_WHOSPCRPL = "354", "A user, as the fields were asked for (WHOX).";
    RPL_LINKS = "364", "A server of the network (`LINKS`).";
    RPL_ENDOFLINKS = "365", "The end of an answer to `LINKS`.";
    RPL_ENDOFNAMES = "366", "The end of the members of a channel.";
    RPL_BANLIST = "367", "A mask that is banned (`MODE +b`).";
    RPL_ENDOFBANLIST = "368", "The end of the masks that are banned.";
    RPL_ENDOFWHOWAS = "369", "The end of an answer to `WHOWAS`.";
    RPL_INFO = "371", "A line of an answer to `INFO`.";
    RPL_MOTD = "372", "A line of the message of the day.";
    RPL_ENDOFINFO = "374", "The end of an answer to `INFO`.";
    RPL_MOTDSTART = "375", "The beginning of the message of the day.";
    RPL_ENDOFMOTD = "376", "The end of the message of the day.";
    RPL_WHOISHOST = "378", "Where a user comes from (`WHOIS`).";
    RPL_WHOISMODES = "379", "The modes of a user (`WHOIS`).";
    RPL_YOUREOPER = "381", "The user is an operator now.";
    RPL_REHASHING = "382", "The server reads its configuration again.";
    RPL_TIME = "391", "What time it is at the server.";
    RPL_VISIBLEHOST = "396", "The host that others see now.";
    ERR_UNKNOWNERROR = "400", "A command failed for no reason that has a number.";
    ERR_NOSUCHNICK = "401", "There is nobody of that nick.";
    ERR_NOSUCHSERVER = "402", "There is no server of that name.";
    ERR_NOSUCHCHANNEL = "403", "There is no channel of that name, or it cannot be one.";
    ERR_CANNOTSENDTOCHAN = "404", "The user may not speak there.";
    ERR_TOOMANYCHANNELS = "405", "The user is in too many channels.";
    ERR_WASNOSUCHNICK = "406", "There was nobody of that nick.";
    ERR_TOOMANYTARGETS = "407", "More targets than a command may have.";
    ERR_NOORIGIN = "409", "A `PING` or `PONG` without what to answer.";
    ERR_INVALIDCAPCMD = "410", "A subcommand of `CAP` that is unknown.";
    ERR_NORECIPIENT = "411", "A message to nobody.";
    ERR_NOTEXTTOSEND = "412", "A message of nothing.";
    ERR_INPUTTOOLONG = "417", "A line that is too long.";
    ERR_UNKNOWNCOMMAND = "421", "A command that is unknown.";
    ERR_NOMOTD = "422", "There is no message of the day.";
    ERR_NONICKNAMEGIVEN = "431", "A command that needs a nick has none.";
    ERR_ERRONEUSNICKNAME = "432", "What cannot be a nick.";
    ERR_NICKNAMEINUSE = "433", "Somebody has that nick.";
    ERR_NICKCOLLISION = "436", "Two users of the network had that nick.";
    ERR_UNAVAILRESOURCE = "437", "The nick or channel cannot be used for a while.";
    ERR_USERNOTINCHANNEL = "441", "That user is not in that channel.";
    ERR_NOTONCHANNEL = "442", "The user is not in that channel.";
    ERR_USERONCHANNEL = "443", "Who was invited is there already.";
    ERR_NONICKCHANGE = "447", "The nick cannot be changed now.";
    ERR_NOTREGISTERED = "451", "The user has to register first.";
    ERR_NEEDMOREPARAMS = "461", "A command has too few parameters.";
    ERR_ALREADYREGISTERED = "462", "The user has registered already.";
    ERR_PASSWDMISMATCH = "464", "The password is wrong.";
    ERR_YOUREBANNEDCREEP = "465", "The user is banned from the server.";
    ERR_LINKCHANNEL = "470", "The user was sent to another channel.";
    ERR_CHANNELISFULL = "471", "The channel has as many members as its limit allows.";
    ERR_UNKNOWNMODE = "472", "A channel mode that is unknown.";
    ERR_INVITEONLYCHAN = "473", "The channel is for who is invited.";
    ERR_BANNEDFROMCHAN = "474", "The user is banned from the channel.";
    ERR_BADCHANNELKEY = "475", "The channel's key is another.";
    ERR_BADCHANMASK = "476", "What cannot be a channel.";
    ERR_NEEDREGGEDNICK = "477", "The channel is for who is logged in.";
    ERR_BANLISTFULL = "478", "The channel has as many bans as it can.";
    ERR_NOPRIVILEGES = "481", "Only operators of the server may.";
    ERR_CHANOPRIVSNEEDED = "482", "Only operators of the channel may.";
    ERR_CANTKILLSERVER = "483", "A server cannot be killed.";
    ERR_NOOPERHOST = "491", "The user may not become an operator from there.";
    ERR_UMODEUNKNOWNFLAG = "501", "A user mode that is unknown.";
    ERR_USERSDONTMATCH = "502", "The modes of others cannot be seen or changed.";
    ERR_HELPNOTFOUND = "524", "There is no help about that.";
    ERR_INVALIDKEY = "525", "What cannot be a channel's key.";
    RPL_STARTTLS = "670", "TLS may begin.";
    RPL_WHOISSECURE = "671", "A user comes over TLS (`WHOIS`).";
    ERR_STARTTLS = "691", "TLS cannot begin.";
    ERR_INVALIDMODEPARAM = "696", "A mode's parameter is wrong.";
    RPL_HELPSTART = "704", "The beginning of a text of help.";
    RPL_HELPTXT = "705", "A line of help.";
    RPL_ENDOFHELP = "706", "The end of a text of help.";
    RPL_MONONLINE = "730", "Who is watched for came.";
    RPL_MONOFFLINE = "731", "Who is watched for went.";
    RPL_MONLIST = "732", "Whom the user watches for.";
    RPL_ENDOFMONLIST = "733", "The end of whom the user watches for.";
    ERR_MONLISTFULL = "734", "The user watches for too many.";
    RPL_LOGGEDIN = "900", "The user is logged in to an account.";
    RPL_LOGGEDOUT = "901", "The user is logged out.";
    ERR_NICKLOCKED = "902", "The account cannot be used.";
    RPL_SASLSUCCESS = "903", "SASL has succeeded.";
    ERR_SASLFAIL = "904", "SASL has failed.";
    ERR_SASLTOOLONG = "905", "What was sent for SASL is too long.";
    ERR_SASLABORTED = "906", "SASL was aborted by the client.";
    ERR_SASLALREADY = "907", "SASL has succeeded before.";
    RPL_SASLMECHS = "908", "The mechanisms of SASL that there are.";
}
