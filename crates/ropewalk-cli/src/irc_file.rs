//! [`IrcFile`]: what a server of IRC says of itself and whom it trusts, from a file of settings in TOML.

use std::path::Path;
use std::rc::Rc;

use ropewalk::irc::network::{Network, NetworkLimits};
use ropewalk::irc::server::{AccountList, IrcSettings, OperatorLogin};
use ropewalk::{Failure, FailureKind};
use serde::Deserialize;

/// `ropewalk chat --irc-settings FILE`. What is not said is as without the file.
///
/// ```toml
/// name = "irc.example.org"
/// network = "Example"
/// motd = """
/// Welcome.
/// Be kind."""
/// admin = ["Pier 3, Harbour Town", "The rowing club", "admin@example.org"]
/// password = "for all who come"
/// behind_proxy = false
/// host_secret = "the same for all processes of one chat"
///
/// [[operator]]
/// name = "ann"
/// password = "…"
///
/// [[account]]
/// name = "bob"
/// password = "…"
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IrcFile {
    name: Option<String>,
    network: Option<String>,
    motd: String,
    admin: Vec<String>,
    password: Option<String>,
    /// Whether connections come through a proxy that says who is calling (the PROXY protocol), and nothing else may come.
    pub(crate) behind_proxy: bool,
    /// What addresses are hidden with, however people come. Processes that have the same show an address alike, so that
    /// a ban holds on all; without, each hides it in its own way, and in another when it is started again.
    host_secret: Option<String>,
    operator: Vec<Login>,
    account: Vec<Login>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    name: String,
    password: String,
}

impl IrcFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::from_error(FailureKind::System, error)
                .context(format!("read {}", path.display()))
        })?;
        toml::from_str(&text).map_err(|error| {
            // In one line: where, and what.
            let place = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            let what = format!("{}, line {place}: {}", path.display(), error.message());
            Failure::new(FailureKind::Local, what)
        })
    }

    /// For all threads.
    pub(crate) fn network(&self) -> Network {
        let limits = NetworkLimits::default();
        match self.host_secret.as_deref() {
            None | Some("") => Network::new(limits),
            Some(secret) => Network::with_host_secret(limits, secret.as_bytes()),
        }
    }

    /// For one thread's server.
    pub(crate) fn settings(&self) -> IrcSettings {
        let defaults = IrcSettings::default();
        let logins = |all: &[Login]| {
            all.iter().map(|one| (one.name.clone(), one.password.clone())).collect()
        };
        let operators: Vec<(String, String)> = logins(&self.operator);
        let accounts: Vec<(String, String)> = logins(&self.account);
        let to_login = |(name, password)| OperatorLogin { name, password };
        IrcSettings {
            server_name: self.name.clone().unwrap_or(defaults.server_name),
            network_name: self.network.clone().unwrap_or(defaults.network_name),
            motd: self.motd.lines().map(str::to_owned).collect(),
            admin: self.admin.clone(),
            password: self.password.clone(),
            operators: operators.into_iter().map(to_login).collect(),
            // With no accounts SASL is not offered.
            accounts: (!accounts.is_empty()).then(|| Rc::new(AccountList::new(accounts)) as Rc<_>),
            ..IrcSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ropewalk::Address;

    use super::*;

    #[test]
    fn what_is_in_the_file_is_in_the_settings() {
        let text = "name = 'irc.x'\nmotd = 'one\ntwo'\n[[account]]\nname = 'bob'\npassword = 'p'\n";
        assert!(toml::from_str::<IrcFile>(text).is_err(), "a text in quotes is one line");
        let text = text.replace("'one\ntwo'", "'''one\ntwo'''");
        let settings = toml::from_str::<IrcFile>(&text).expect("it is well formed").settings();
        assert_eq!((settings.server_name.as_str(), settings.motd.len()), ("irc.x", 2));
        assert!(settings.accounts.is_some() && settings.operators.is_empty());
    }

    #[test]
    fn with_one_secret_an_address_is_hidden_alike_by_all() {
        let file = |text| toml::from_str::<IrcFile>(text).expect("it is well formed");
        let peer = Address::Ip("192.0.2.7:1".parse().expect("an address"));
        let hidden = |text| file(text).network().hidden_host(&peer, "irc");
        assert_eq!(hidden("host_secret = 'sesame'"), hidden("host_secret = 'sesame'"));
        for chance in ["", "host_secret = ''"] {
            assert_ne!(hidden(chance), hidden(chance));
        }
    }

    #[test]
    fn what_is_unknown_is_said() {
        let wrong =
            toml::from_str::<IrcFile>("nmae = 'x'").map(drop).expect_err("a slip of the pen");
        assert!(wrong.message().contains("nmae"), "{wrong}");
    }
}
