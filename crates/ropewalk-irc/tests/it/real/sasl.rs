//! Logging in while registering, on inspircd with the services of atheme.

use ropewalk_irc::client::{ClientOptions, Sasl, ServerError};

use super::programs::Server;
use super::{Stage, fast};

fn logging_in(password: &str) -> ClientOptions {
    let sasl = Sasl::Plain { account: "dan".to_owned(), password: password.to_owned() };
    ClientOptions { sasl: vec![Sasl::External, sasl], ..fast("dan") }
}

#[test]
fn an_account_is_made_and_logged_in_to() {
    let Some((server, _services)) =
        Server::inspircd_with_services("an_account_is_made_and_logged_in_to")
    else {
        return;
    };
    let stage = Stage::new();
    let dan = stage.enter(server.port, fast("dan"));
    // When the services have come, the server says that it offers a way to log in.
    stage.until("there are services", || dan.irc.offered_capability("sasl").is_some());
    stage.done(dan.irc.privmsg("NickServ", "REGISTER secret12 dan@example.test"));
    stage.until("there is an account", || dan.irc.account().as_deref() == Some("dan"));
    stage.done(dan.irc.quit(""));

    let dan = stage.enter(server.port, logging_in("secret12"));
    assert_eq!(dan.irc.account().as_deref(), Some("dan"));
    assert_eq!(stage.done(dan.irc.whois("dan")).account.as_deref(), Some("dan"));
    stage.done(dan.irc.quit(""));

    let refused = stage.try_enter(server.port, logging_in("wrong")).err().expect("it is wrong");
    assert_eq!(refused.check::<ServerError>().expect("the server's").code, "904");
    let options = ClientOptions { sasl_is_required: false, ..logging_in("wrong") };
    assert_eq!(stage.enter(server.port, options).irc.account(), None);
}
