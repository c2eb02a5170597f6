//! Logging in while registering, on inspircd with the services of atheme, and on our own server.

use std::rc::Rc;

use ropewalk_irc::client::{ClientOptions, Sasl, ServerError};

use ropewalk_irc::server::IrcSettings;

use super::services::Services;
use super::{Actor, Stage, fast, settings};
use crate::server::Book;

fn logging_in(password: &str) -> ClientOptions {
    let sasl = Sasl::Plain { account: "dan".to_owned(), password: password.to_owned() };
    ClientOptions { sasl: vec![Sasl::External, sasl], ..fast("dan") }
}

/// Makes the account `dan`.
fn register(stage: &Stage) -> Actor {
    let dan = stage.enter(fast("dan"));
    // When the services have come, the server says that it offers a way to log in.
    stage.until("there are services", || dan.irc.offered_capability("sasl").is_some());
    stage.done(dan.irc.privmsg("NickServ", "REGISTER secret12 dan@example.test"));
    stage.until("there is an account", || dan.irc.account().as_deref() == Some("dan"));
    dan
}

#[test]
fn an_account_is_logged_in_to_by_password() {
    let Some(services) = Services::start("servers::sasl::an_account_is_logged_in_to_by_password")
    else {
        return;
    };
    let stage = Stage::before(&services.server);
    stage.done(register(&stage).irc.quit(""));

    let dan = stage.enter(logging_in("secret12"));
    assert_eq!(dan.irc.account().as_deref(), Some("dan"));
    assert_eq!(stage.done(dan.irc.whois("dan")).account.as_deref(), Some("dan"));
    stage.done(dan.irc.quit(""));

    let refused = stage.try_enter(logging_in("wrong")).err().expect("it is wrong");
    assert_eq!(refused.check::<ServerError>().expect("the server's").code, "904");
    let options = ClientOptions { sasl_is_required: false, ..logging_in("wrong") };
    assert_eq!(stage.enter(options).irc.account(), None);
}

#[test]
fn an_account_is_logged_in_to_by_a_certificate() {
    let test = "servers::sasl::an_account_is_logged_in_to_by_a_certificate";
    let Some(services) = Services::start(test) else { return };
    let place = format!("tls:127.0.0.1:{}:verify=no", services.tls_port);
    let stage = Stage::before_endpoint(&format!("{place}:cert={}", services.identity));
    let dan = register(&stage);
    assert!(stage.done(dan.irc.whois("dan")).is_secure);
    stage.done(dan.irc.privmsg("NickServ", "CERT ADD"));
    stage.until("it is added", || {
        dan.log.borrow().iter().any(|line| line.contains("Added fingerprint"))
    });
    stage.done(dan.irc.quit(""));

    let by_certificate = ClientOptions { sasl: vec![Sasl::External], ..fast("dan") };
    let dan = stage.enter(by_certificate.clone());
    assert_eq!(dan.irc.account().as_deref(), Some("dan"));
    let nobody = Stage::before_endpoint(&place);
    let refused = nobody.try_enter(by_certificate).err().expect("there is no certificate");
    assert_eq!(refused.check::<ServerError>().expect("the server's").code, "904");
}

#[test]
fn our_own_server_knows_accounts_too() {
    let accounts = Some(Rc::new(Book::default()) as Rc<_>);
    let stage = Stage::before_ours(IrcSettings { accounts, ..settings() });
    let dan = stage.enter(logging_in("secret"));
    assert_eq!(dan.irc.account().as_deref(), Some("dan"));
    assert_eq!(stage.done(dan.irc.whois("dan")).account.as_deref(), Some("dan"));
    stage.done(dan.irc.join("#ropes"));
    let eve = stage.enter(fast("eve"));
    stage.done(eve.irc.join("#ropes"));
    let refused = stage.try_enter(logging_in("wrong")).err().expect("it is wrong");
    assert_eq!(refused.check::<ServerError>().expect("the server's").code, "904");
}
