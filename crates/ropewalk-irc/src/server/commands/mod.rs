//! The commands of a registered client: one table, one file for each group.

mod about;
mod channels;
mod history;
mod invitations;
mod list;
mod messages;
mod modes;
mod monitor;
mod names;
mod operators;
mod presence;
mod topics;
mod who;
mod whois;

use super::request::Request;

pub(crate) use channels::join_one;
pub(crate) use modes::MODES_PER_COMMAND_MAX;

/// One command.
pub(crate) struct Command {
    /// In capitals.
    pub(crate) name: &'static str,
    /// With fewer it is `ERR_NEEDMOREPARAMS`.
    pub(crate) params_min: usize,
    pub(crate) run: fn(&Request<'_>),
}

/// The command of that name, in upper or lower case.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    ALL.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

const fn command(name: &'static str, params_min: usize, run: fn(&Request<'_>)) -> Command {
    Command { name, params_min, run }
}

/// All that a registered client may say, but for what it may say before, too (`session.rs`). Those that are said
/// most stand first.
static ALL: [Command; 36] = [
    command("PRIVMSG", 0, messages::privmsg),
    command("NOTICE", 0, messages::notice),
    command("TAGMSG", 0, messages::tagmsg),
    command("JOIN", 1, channels::join),
    command("PART", 1, channels::part),
    command("MODE", 1, modes::mode),
    command("WHO", 0, who::who),
    command("NICK", 0, presence::nick),
    command("AWAY", 0, presence::away),
    command("TOPIC", 1, topics::topic),
    command("NAMES", 0, names::names),
    command("LIST", 0, list::list),
    command("KICK", 2, channels::kick),
    command("INVITE", 0, invitations::invite),
    command("WHOIS", 0, whois::whois),
    command("WHOWAS", 0, whois::whowas),
    command("ISON", 1, whois::ison),
    command("USERHOST", 1, whois::userhost),
    command("MONITOR", 1, monitor::monitor),
    command("CHATHISTORY", 0, history::chathistory),
    command("SETNAME", 1, presence::setname),
    command("OPER", 2, operators::oper),
    command("KILL", 1, operators::kill),
    command("WALLOPS", 1, operators::wallops),
    command("LUSERS", 0, about::lusers),
    command("MOTD", 0, about::motd),
    command("VERSION", 0, about::version),
    command("TIME", 0, about::time),
    command("ADMIN", 0, about::admin),
    command("INFO", 0, about::info),
    command("LINKS", 0, about::links),
    command("STATS", 0, about::stats),
    command("HELP", 0, about::help),
    command("HELPOP", 0, about::help),
    command("PASS", 0, presence::already_registered),
    command("USER", 0, presence::already_registered),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_there_once() {
        for (index, command) in ALL.iter().enumerate() {
            let found = find(&command.name.to_ascii_lowercase());
            assert!(
                found.is_some_and(|found| std::ptr::eq(found, &ALL[index])),
                "{}",
                command.name
            );
        }
        assert!(find("NONSENSE").is_none());
    }
}
