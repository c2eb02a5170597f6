//! [`Registration`]: from the connection to being let in.
//!
//! Everything that does not depend on an answer is sent at once: `CAP LS`, `PASS`, `NICK`, `USER`. A server that
//! knows capabilities waits for `CAP END` then; one that does not lets this client in.

use ropewalk_core::{Failure, FailureKind};

use crate::{Message, numeric};

use super::capabilities::{Capabilities, WANTED};
use super::login::{Login, Step};
use super::options::ClientOptions;
use super::server_error::ServerError;

/// How far registering has come.
#[derive(Default)]
pub(crate) struct Registration {
    stage: Stage,
    /// Which nick is being tried.
    nick_index: usize,
    pub(crate) login: Login,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    /// It is being agreed on what both sides can.
    #[default]
    Capabilities,
    /// This client logs in.
    Login,
    /// All is said; the server is looking who this is.
    Waiting,
    /// It has welcomed this client, and is saying what it supports.
    Welcomed,
    /// This client is in.
    SignedOn,
}

/// What is to be sent: a command and its parameters, the last of which may be anything.
pub(crate) type Lines = Vec<(&'static str, Vec<String>)>;

impl Registration {
    pub(crate) fn is_signed_on(&self) -> bool {
        self.stage == Stage::SignedOn
    }

    pub(crate) fn is_welcomed(&self) -> bool {
        self.stage >= Stage::Welcomed
    }

    /// What is sent first.
    pub(crate) fn begin(options: &ClientOptions) -> Lines {
        let mut lines = vec![line("CAP", &["LS", "302"])];
        if let Some(password) = &options.password {
            lines.push(line("PASS", &[password]));
        }
        lines.push(line("NICK", &[&options.nick]));
        lines.push(line("USER", &[&options.user, "0", "*", &options.realname]));
        lines
    }

    /// The server has said all that it says to newcomers.
    pub(crate) fn settle(&mut self) -> bool {
        let is_now = self.stage == Stage::Welcomed;
        if is_now {
            self.stage = Stage::SignedOn;
        }
        is_now
    }

    /// A line came. Gives what is to be sent.
    ///
    /// # Errors
    /// The server does not let this client in, or not as it wants.
    pub(crate) fn heard(
        &mut self,
        message: &Message<'_>,
        capabilities: &mut Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        if message.is("CAP") {
            return self.cap_heard(message, capabilities, options);
        }
        if let Some(step) = self.login.heard(message, capabilities, options) {
            return self.follow(step, options);
        }
        match message.command() {
            numeric::RPL_WELCOME => self.welcomed(options),
            _ if self.stage < Stage::Welcomed => self.refused(message, options),
            _ => Ok(Vec::new()),
        }
    }

    /// `CAP * LS * :more is coming` and `CAP * LS :the last`.
    fn cap_heard(
        &mut self,
        message: &Message<'_>,
        capabilities: &mut Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        let subcommand = message.param(1).unwrap_or_default().to_ascii_uppercase();
        let list = message.last_param().unwrap_or_default();
        match &*subcommand {
            "LS" | "NEW" => {
                capabilities.offered_heard(list);
                let is_last = message.params().len() < 4;
                if is_last { self.ask(capabilities, options) } else { Ok(Vec::new()) }
            }
            "ACK" => {
                capabilities.acknowledged(list);
                let has_sasl = list.split_ascii_whitespace().any(|name| name == "sasl");
                if has_sasl && self.is_signed_on() {
                    return self.log_in_late(capabilities, options);
                }
                self.go_on(capabilities, options)
            }
            "NAK" => {
                let again = capabilities.refused(list);
                let mut lines: Lines =
                    again.iter().map(|name| line("CAP", &["REQ", name])).collect();
                lines.extend(self.go_on(capabilities, options)?);
                Ok(lines)
            }
            "DEL" => {
                capabilities.withdrawn(list);
                self.go_on(capabilities, options)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn ask(
        &mut self,
        capabilities: &mut Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        let sasl = (!options.sasl.is_empty()).then_some("sasl");
        let others = options.capabilities.iter().map(String::as_str);
        let lists = capabilities.requests(WANTED.iter().copied().chain(sasl).chain(others));
        let mut lines: Lines = lists.iter().map(|list| line("CAP", &["REQ", list])).collect();
        lines.extend(self.go_on(capabilities, options)?);
        Ok(lines)
    }

    /// When everything is answered: logs in, if it is to, else ends the negotiation.
    fn go_on(
        &mut self,
        capabilities: &Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        if self.stage != Stage::Capabilities || !capabilities.is_settled() {
            return Ok(Vec::new());
        }
        self.stage = Stage::Login;
        let step = if options.sasl.is_empty() {
            Step::Success
        } else {
            self.login.begin(capabilities, options)
        };
        self.follow(step, options)
    }

    /// The services of a network may come, or come back, after this client has.
    fn log_in_late(
        &mut self,
        capabilities: &Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        if self.login.account.is_some() || self.login.is_under_way() {
            return Ok(Vec::new());
        }
        let step = self.login.begin(capabilities, options);
        self.follow(step, options)
    }

    /// While registering, the negotiation ends with the login, or everything does. Later, it changes nothing.
    fn follow(&mut self, step: Step, options: &ClientOptions) -> Result<Lines, Failure> {
        match step {
            Step::Say(lines) => Ok(lines),
            Step::Failed(why) if self.stage == Stage::Login && options.sasl_is_required => Err(why),
            Step::Success | Step::Failed(_) if self.stage == Stage::Login => {
                self.stage = Stage::Waiting;
                Ok(vec![line("CAP", &["END"])])
            }
            Step::Success | Step::Failed(_) => Ok(Vec::new()),
        }
    }

    fn welcomed(&mut self, options: &ClientOptions) -> Result<Lines, Failure> {
        let is_early = self.stage < Stage::Waiting;
        self.stage = self.stage.max(Stage::Welcomed);
        if is_early && options.sasl_is_required && !options.sasl.is_empty() {
            let why = "the server does not know capabilities, so no way to log in";
            return Err(Failure::new(FailureKind::Peer, why).context("log in"));
        }
        Ok(Vec::new())
    }

    /// A nick that is not to be had is replaced; a client that is not wanted gives up.
    fn refused(
        &mut self,
        message: &Message<'_>,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        let Some(error) = ServerError::from_message(message) else { return Ok(Vec::new()) };
        match message.command() {
            numeric::ERR_NONICKNAMEGIVEN
            | numeric::ERR_ERRONEUSNICKNAME
            | numeric::ERR_NICKNAMEINUSE
            | numeric::ERR_NICKCOLLISION
            | numeric::ERR_UNAVAILRESOURCE => {
                self.nick_index += 1;
                let next = options.nick_to_try(self.nick_index);
                next.map(|nick| vec![line("NICK", &[&nick])])
                    .ok_or_else(|| error.into_failure().context("find a nick (nicks_max)"))
            }
            numeric::ERR_PASSWDMISMATCH | numeric::ERR_YOUREBANNEDCREEP | "463" | "ERROR" => {
                Err(error.into_failure().context("register"))
            }
            // Some servers greet with what looks like an error, or do not know capabilities.
            _ => Ok(Vec::new()),
        }
    }
}

pub(crate) fn line(command: &'static str, params: &[&str]) -> (&'static str, Vec<String>) {
    (command, params.iter().map(|&param| param.to_owned()).collect())
}
