//! `AUTHENTICATE`: SASL PLAIN (IRCv3 sasl-3.2, RFC 4616).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::{Cx, Failure};

use super::request::{need_more_params, shown};
use super::session::{IrcSession, Stage};
use crate::{Message, numeric};

/// How far a client has come.
#[derive(Default)]
pub(crate) struct Exchange {
    step: Step,
    account: Option<String>,
}

#[derive(Default)]
enum Step {
    #[default]
    Idle,
    /// PLAIN was chosen; so much of what proves it has come.
    Receiving(String),
}

/// A part of this length is followed by another (IRCv3 sasl).
const PART_BYTES: usize = 400;
/// All parts together: names and passwords are not longer.
const MESSAGE_BYTES_MAX: usize = 4 * PART_BYTES;

impl Exchange {
    /// The account that the client owns.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl IrcSession {
    pub(crate) fn authenticate(&mut self, cx: &mut Cx<'_>, message: &Message<'_>) {
        let Some(word) = message.param(0).filter(|word| !word.is_empty()) else {
            return need_more_params(&self.out, "AUTHENTICATE");
        };
        // Who asks without having asked for the capability means it all the same.
        if self.shared.settings.accounts.is_none() {
            return self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed");
        }
        if self.sasl.account.is_some() {
            let text = "You have already authenticated using SASL";
            return self.fail_sasl(numeric::ERR_SASLALREADY, text);
        }
        match std::mem::take(&mut self.sasl.step) {
            _ if word == "*" => {
                self.fail_sasl(numeric::ERR_SASLABORTED, "SASL authentication aborted");
            }
            Step::Idle if word.eq_ignore_ascii_case("PLAIN") => {
                self.sasl.step = Step::Receiving(String::new());
                self.out.answer(&Message::new("AUTHENTICATE").with_param("+"));
            }
            Step::Idle => {
                let text = "are available SASL mechanisms";
                self.out.numeric(numeric::RPL_SASLMECHS, &["PLAIN"], text);
                self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed");
            }
            Step::Receiving(before) => self.take_part(cx, before, word),
        }
    }

    /// What has come so far, and one part more.
    fn take_part(&mut self, cx: &mut Cx<'_>, mut all: String, part: &str) {
        if part.len() > PART_BYTES || all.len() + part.len() > MESSAGE_BYTES_MAX {
            return self.fail_sasl(numeric::ERR_SASLTOOLONG, "SASL message too long");
        }
        if part != "+" {
            all.push_str(part);
        }
        if part.len() == PART_BYTES {
            self.sasl.step = Step::Receiving(all);
            return;
        }
        match (plain(&all), self.shared.settings.accounts.clone()) {
            (Some((account, password)), Some(accounts)) => {
                let checking = accounts.check(&account, &password);
                self.wait_for(cx, checking, Self::authenticated);
            }
            _ => self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed"),
        }
    }

    fn authenticated(&mut self, cx: &Cx<'_>, checked: Result<Option<String>, Failure>) {
        match checked {
            Ok(Some(account)) => self.log_in(cx, account),
            Ok(None) => {
                self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed");
                self.out.note_wrong_password(self.shared.settings.limits.wrong_passwords_max);
            }
            Err(failure) => {
                tracing::warn!(%failure, "an account could not be checked");
                self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed for now");
            }
        }
    }

    fn log_in(&mut self, cx: &Cx<'_>, account: String) {
        let source = match &self.stage {
            Stage::Registered(user) => {
                if user.set_account(cx.now(), Some(&account)).is_err() {
                    return self.fail_sasl(numeric::ERR_SASLFAIL, "SASL authentication failed");
                }
                user.identity().map_or_else(|_| "*".into(), |identity| identity.to_string())
            }
            _ => "*!*@*".to_owned(),
        };
        let text = format!("You are now logged in as {account}");
        self.out.numeric(numeric::RPL_LOGGEDIN, &[&source, shown(&account)], &text);
        self.out.numeric(numeric::RPL_SASLSUCCESS, &[], "SASL authentication successful");
        self.sasl.account = Some(account);
    }

    /// Registration ends before it is known who the client is.
    pub(crate) fn abort_sasl(&mut self) {
        if !matches!(std::mem::take(&mut self.sasl.step), Step::Idle) {
            self.fail_sasl(numeric::ERR_SASLABORTED, "SASL authentication aborted");
        }
    }

    fn fail_sasl(&mut self, numeric: &str, text: &str) {
        self.sasl.step = Step::Idle;
        self.out.numeric(numeric, &[], text);
    }
}

/// The account and the password of a PLAIN message: `authzid NUL authcid NUL password`. To be somebody else than
/// the password is of is not possible.
fn plain(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let parts: Vec<&str> = decoded.split('\0').collect();
    let [acts_as, account, password] = parts[..] else { return None };
    let is_good = (acts_as.is_empty() || acts_as == account) && is_word(account);
    is_good.then(|| (account.to_owned(), password.to_owned()))
}

/// Whether an account's name can stand in a line.
fn is_word(text: &str) -> bool {
    let is_bad = |c: char| c.is_whitespace() || c.is_control();
    !text.is_empty() && !text.starts_with(':') && !text.contains(is_bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_message_is_three_parts_in_base64() {
        let encoded = |text: &str| plain(&STANDARD.encode(text));
        let expected = Some(("dan".to_owned(), "secret".to_owned()));
        assert_eq!(encoded("\0dan\0secret"), expected);
        assert_eq!(encoded("dan\0dan\0secret"), expected);
        for bad in ["dan\0secret", "bob\0dan\0secret", "\0\0secret", "\0d n\0s", "\0dan\0s\0x"] {
            assert_eq!(encoded(bad), None, "{bad:?}");
        }
        assert_eq!(plain("not base64!"), None);
    }
}
