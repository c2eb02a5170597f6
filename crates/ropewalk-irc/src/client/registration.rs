//! [`Registration`]: from the connection to being let in.
//!
//! Everything that does not depend on an answer is sent at once: `CAP LS`, `PASS`, `NICK`, `USER`. A server that
//! knows capabilities waits for `CAP END` then; one that does not lets this client in.

use ropewalk_core::{Failure, FailureKind};

use crate::{Message, numeric};

use super::capabilities::{Capabilities, WANTED};
use super::options::ClientOptions;
use super::server_error::ServerError;

/// How far registering has come.
#[derive(Default)]
pub(crate) struct Registration {
    stage: Stage,
    /// Which nick is being tried.
    nick_index: usize,
    /// Which way to log in is being tried.
    sasl_index: usize,
    /// The account that the server says this client is logged in to.
    pub(crate) account: Option<String>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    /// It is being agreed on what both sides can.
    #[default]
    Capabilities,
    /// This client logs in.
    Sasl,
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
        match message.command() {
            command if command.eq_ignore_ascii_case("CAP") => {
                self.cap_heard(message, capabilities, options)
            }
            command if command.eq_ignore_ascii_case("AUTHENTICATE") => {
                Ok(self.challenge_heard(message, options))
            }
            numeric::RPL_LOGGEDIN => {
                self.account = message.param(2).map(str::to_owned);
                Ok(Vec::new())
            }
            numeric::RPL_LOGGEDOUT => {
                self.account = None;
                Ok(Vec::new())
            }
            numeric::RPL_SASLSUCCESS | numeric::ERR_SASLALREADY => Ok(self.end_sasl()),
            numeric::ERR_NICKLOCKED
            | numeric::ERR_SASLFAIL
            | numeric::ERR_SASLTOOLONG
            | numeric::ERR_SASLABORTED => self.sasl_refused(message, capabilities, options),
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
        self.stage = Stage::Sasl;
        self.try_sasl(capabilities, options)
    }

    /// The next way to log in that the server offers.
    fn try_sasl(
        &mut self,
        capabilities: &Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        let offered = capabilities.offered("sasl").unwrap_or_default();
        let is_offered = |mechanism: &str| {
            let mut names = offered.split(',');
            offered.is_empty() || names.any(|name| name.eq_ignore_ascii_case(mechanism))
        };
        while let Some(sasl) = options.sasl.get(self.sasl_index) {
            if capabilities.has("sasl") && is_offered(sasl.mechanism()) {
                return Ok(vec![line("AUTHENTICATE", &[sasl.mechanism()])]);
            }
            self.sasl_index += 1;
        }
        check_sasl(options, "the server offers no way to log in that this client has")?;
        Ok(self.end_sasl())
    }

    /// `AUTHENTICATE +` asks for the response. None of the mechanisms has another challenge.
    fn challenge_heard(&self, message: &Message<'_>, options: &ClientOptions) -> Lines {
        let sasl = options.sasl.get(self.sasl_index).filter(|_| self.stage == Stage::Sasl);
        match (message.param(0), sasl) {
            (Some("+"), Some(sasl)) => {
                sasl.response().iter().map(|piece| line("AUTHENTICATE", &[piece])).collect()
            }
            _ => vec![line("AUTHENTICATE", &["*"])],
        }
    }

    fn sasl_refused(
        &mut self,
        message: &Message<'_>,
        capabilities: &Capabilities,
        options: &ClientOptions,
    ) -> Result<Lines, Failure> {
        if self.stage != Stage::Sasl {
            return Ok(Vec::new());
        }
        self.sasl_index += 1;
        if self.sasl_index < options.sasl.len() {
            return self.try_sasl(capabilities, options);
        }
        match ServerError::from_message(message).filter(|_| options.sasl_is_required) {
            Some(error) => Err(error.into_failure().context("log in")),
            None => Ok(self.end_sasl()),
        }
    }

    fn end_sasl(&mut self) -> Lines {
        if self.stage != Stage::Sasl {
            return Vec::new();
        }
        self.stage = Stage::Waiting;
        vec![line("CAP", &["END"])]
    }

    fn welcomed(&mut self, options: &ClientOptions) -> Result<Lines, Failure> {
        let is_early = self.stage < Stage::Waiting;
        self.stage = self.stage.max(Stage::Welcomed);
        if is_early && !options.sasl.is_empty() {
            check_sasl(options, "the server does not know capabilities, so no way to log in")?;
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

fn check_sasl(options: &ClientOptions, why: &'static str) -> Result<(), Failure> {
    if options.sasl_is_required && !options.sasl.is_empty() {
        return Err(Failure::new(FailureKind::Peer, why).context("log in"));
    }
    Ok(())
}

fn line(command: &'static str, params: &[&str]) -> (&'static str, Vec<String>) {
    (command, params.iter().map(|&param| param.to_owned()).collect())
}
