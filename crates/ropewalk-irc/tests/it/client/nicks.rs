//! Nicks that somebody else has, and how the wanted one is had again.

use ropewalk_irc::client::{ClientOptions, ServerError};

use super::{Awaited, Served, options};

fn taken(served: &Served, nick: &str, numeric: &str) -> String {
    served.written();
    served.hear(&format!(":irc {numeric} * {nick} :Nickname is already in use.\r\n"));
    served.written()
}

#[test]
fn other_nicks_are_tried_while_registering() {
    let options = ClientOptions { nick_alternatives: vec!["daniel".to_owned()], ..options() };
    let served = Served::connect(options);
    assert_eq!(taken(&served, "dan", "433"), "NICK daniel\r\n");
    assert_eq!(taken(&served, "daniel", "437"), "NICK dan_\r\n");
    assert_eq!(taken(&served, "dan_", "432"), "NICK dan2\r\n");
    assert_eq!(taken(&served, "dan2", "433"), "NICK dan3\r\n");
    served.hear(":irc 001 dan3 :Welcome\r\n:irc 422 dan3 :No MOTD\r\n");
    assert_eq!(served.irc().nick(), "dan3");
    assert_eq!(served.news(), ["SignedOn"]);
}

#[test]
fn who_finds_no_nick_gives_up() {
    let served = Served::connect(options());
    let signed_on = Awaited::new(served.irc().signed_on());
    for _ in 0..12 {
        served.hear(":irc 433 * dan :Nickname is already in use.\r\n");
    }
    served.settle();
    let failure = signed_on.failure();
    assert_eq!(failure.check::<ServerError>().expect("the server's").code, "433");
    assert!(failure.to_string().contains("nicks_max"), "{failure}");
}

#[test]
fn a_nick_that_the_server_has_cut_short_is_believed() {
    let served = Served::connect(ClientOptions::new("danielsson"));
    served.hear(
        ":irc 001 danielsso :Welcome\r\n:irc 005 danielsso NICKLEN=9 :x\r\n:irc 422 x :No MOTD\r\n",
    );
    served.hear(":irc PONG irc lag1\r\n");
    assert_eq!(served.irc().nick(), "danielsso");
    served.written();
    served.advance(70);
    assert_eq!(served.written(), "PING lag2\r\n", "and no other is asked for");
}

fn signed_on_as_dan_() -> Served {
    let served = Served::connect(options());
    served.hear(":irc 433 * dan :in use\r\n:irc 001 dan_ :Welcome\r\n:irc 422 dan_ :No MOTD\r\n");
    served.hear(":dan_!d@host JOIN #ropes\r\n:irc 366 dan_ #ropes :End\r\n:irc PONG irc lag1\r\n");
    served.written();
    served.news();
    served
}

#[test]
fn the_wanted_nick_is_asked_for_when_its_owner_goes() {
    for line in [":dan!x@y QUIT :bye\r\n", ":DAN!x@y NICK other\r\n"] {
        let served = signed_on_as_dan_();
        served.hear(":eve!x@y QUIT :bye\r\n");
        assert_eq!(served.written(), "");
        served.hear(line);
        assert_eq!(served.written(), "NICK dan\r\nPING rw1\r\n");
        served.hear(":dan_!d@host NICK dan\r\n:irc PONG irc rw1\r\n");
        assert_eq!(served.irc().nick(), "dan");
        assert!(served.news().contains(&"I am dan".to_owned()));
        served.advance(50);
        served.hear(":dan!x@y QUIT :bye\r\n");
        assert_eq!(served.written(), "", "it is had");
    }
}

#[test]
fn the_wanted_nick_is_asked_for_every_minute_and_a_refusal_is_no_news() {
    let served = signed_on_as_dan_();
    served.advance(59);
    assert_eq!(served.written(), "");
    served.advance(2);
    assert!(served.written().contains("NICK dan\r\n"));
    served.hear(":irc 433 dan_ dan :Nickname is already in use.\r\n");
    assert_eq!(served.news(), Vec::<String>::new());
    served.hear(":irc PONG irc lag2\r\n");
    served.advance(60);
    assert!(served.written().contains("NICK dan\r\n"));
}

#[test]
fn who_chose_another_nick_is_not_called_back() {
    let served = Served::signed_on();
    let renamed = Awaited::new(served.irc().set_nick("eve"));
    assert_eq!(served.written(), "NICK eve\r\nPING rw1\r\n");
    served.hear(":dan!d@host NICK eve\r\n");
    renamed.value();
    assert_eq!(served.irc().nick(), "eve");
    served.advance(59);
    served.hear(":irc PONG irc lag2\r\n");
    served.advance(30);
    assert!(!served.written().contains("NICK"));
}

#[test]
fn a_nick_that_is_refused_leaves_things_as_they_were() {
    let served = Served::signed_on();
    let renamed = Awaited::new(served.irc().set_nick("eve"));
    served.hear(":irc 433 dan eve :Nickname is already in use.\r\n");
    let failure = renamed.failure();
    let error = failure.check::<ServerError>().expect("the server's");
    assert_eq!(
        (&*error.code, &*error.about, &*error.text),
        ("433", &["eve".to_owned()][..], "Nickname is already in use.")
    );
    assert_eq!(served.irc().nick(), "dan");
}
