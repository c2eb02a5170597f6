//! What a client knows of its channels and of who is there.

use ropewalk_irc::CaseMapping;
use ropewalk_irc::client::ClientOptions;

use super::{Served, options};

fn in_channel() -> Served {
    let served = Served::connect(options());
    served.hear(
        ":irc 001 dan :Welcome\r\n:irc 005 dan CHANTYPES=# PREFIX=(ohv)@%+ CHANMODES=beI,k,l,imnt \
         CASEMAPPING=rfc1459 STATUSMSG=@+ :are supported\r\n:irc 422 dan :No MOTD\r\n\
         :dan!d@h JOIN #a\r\n:irc 332 dan #a :All of it\r\n:irc 333 dan #a eve!e@h 1700000000\r\n\
         :irc 353 dan = #a :@+eve!e@host %bob dan\r\n:irc 366 dan #a :End\r\n",
    );
    served.news();
    served
}

fn modes(served: &Served, nick: &str) -> String {
    served.irc().member("#a", nick).map_or_else(|| "-".to_owned(), |member| member.modes)
}

#[test]
fn members_and_topic_are_known_after_a_join() {
    let served = in_channel();
    let irc = served.irc();
    assert_eq!(irc.channels(), ["#a"]);
    assert_eq!(irc.members("#a").len(), 3);
    assert_eq!(modes(&served, "EVE"), "ov");
    assert_eq!(modes(&served, "bob"), "h");
    assert_eq!(modes(&served, "nobody"), "-");
    let topic = irc.topic("#A").expect("it is in there");
    assert_eq!((&*topic.text, topic.set_at), ("All of it", Some(1_700_000_000)));
}

#[test]
fn who_comes_and_goes_is_followed_and_told() {
    let served = in_channel();
    served.hear(
        ":ann!a@h JOIN #a\r\n:ann!a@h NICK Anna\r\n:bob!b@h PART #a :tea\r\n:eve!e@h QUIT :Gone\r\n\
         :zoe!z@h JOIN #a\r\n:Anna!a@h KICK #a zoe :no\r\n",
    );
    assert_eq!(
        served.news(),
        [
            "ann joined #a",
            "ann is Anna",
            "bob left #a: tea",
            "eve quit: Gone",
            "zoe joined #a",
            "zoe kicked from #a by Anna",
        ]
    );
    let mut nicks: Vec<String> = served.irc().members("#a").into_iter().map(|m| m.nick).collect();
    nicks.sort();
    assert_eq!(nicks, ["Anna", "dan"]);
}

#[test]
fn a_channel_that_is_left_is_forgotten() {
    for (line, news) in [
        (":dan!d@h PART #A", "left #A"),
        (":eve!e@h KICK #a dan :out", "kicked from #a by eve: out"),
    ] {
        let served = in_channel();
        served.hear(&format!("{line}\r\n"));
        assert_eq!(served.news(), [news]);
        assert!(served.irc().channels().is_empty() && served.irc().topic("#a").is_none());
    }
}

#[test]
fn modes_make_members_something_and_change_the_channel() {
    let served = in_channel();
    served.hear(":eve!e@h MODE #a +vo-h+lk-t bob dan bob 10 key\r\n");
    assert_eq!(modes(&served, "bob"), "v");
    assert_eq!(modes(&served, "dan"), "o");
    let known = [('k', "key".to_owned()), ('l', "10".to_owned())];
    assert_eq!(served.irc().modes("#a"), known);
    assert_eq!(served.news(), ["mode of #a by eve: +v bob, +o dan, -h bob, +l 10, +k key, -t"]);
    served.hear(":eve!e@h MODE #a -lk+b key *!*@bad\r\n:eve MODE dan :+iw\r\n");
    assert!(served.irc().modes("#a").is_empty());
    assert_eq!(
        served.news(),
        ["mode of #a by eve: -l, -k key, +b *!*@bad", "mode of dan by eve: +i, +w"]
    );
    served.hear(":irc 324 dan #a +nl 5\r\n");
    assert_eq!(served.irc().modes("#a"), [('l', "5".to_owned()), ('n', String::new())]);
}

#[test]
fn topics_invitations_accounts_hosts_and_names_are_told() {
    let served = in_channel();
    served.hear(
        ":eve!e@h TOPIC #a :New\r\n:eve!e@h INVITE dan #b\r\n:eve!e@h ACCOUNT eve1\r\n\
         :eve!e@h AWAY :tea\r\n:eve!e@h CHGHOST ee hh\r\n:eve!ee@hh SETNAME :Eve\r\n\
         :eve!ee@hh ACCOUNT *\r\n:eve!ee@hh AWAY\r\n",
    );
    assert_eq!(
        served.news(),
        [
            "#a by eve: New",
            "dan invited to #b by eve",
            "eve account Some(\"eve1\")",
            "eve away Some(\"tea\")",
            "eve now ee@hh",
            "eve named Eve",
            "eve account None",
            "eve away None",
        ]
    );
    assert_eq!(served.irc().topic("#a").expect("a topic").set_by.as_deref(), Some("eve"));
    served.hear(":ann!a@h JOIN #a ann1 :Ann\r\n:ann!a@h AWAY :tea\r\n");
    let ann = served.irc().member("#a", "ann").expect("she is there");
    assert!(ann.is_away && ann.account.as_deref() == Some("ann1"));
}

#[test]
fn what_is_said_to_some_of_a_channel_is_said_in_it() {
    let served = in_channel();
    served.hear(":eve!e@h PRIVMSG @#a :ops only\r\n");
    assert_eq!(served.news(), ["eve to @#a: ops only"]);
    drop(served.irc().privmsg("@#a", "yes"));
    assert!(served.written().ends_with("PRIVMSG @#a :yes\r\n"));
}

#[test]
fn names_are_the_same_by_the_server_s_mapping_whenever_it_says_so() {
    let served = in_channel();
    served.hear(":x[1]!x@h JOIN #a\r\n");
    assert!(served.irc().member("#a", "X{1}").is_some());
    served.hear(":irc 005 dan CASEMAPPING=ascii :are supported\r\n");
    assert_eq!(served.irc().case_mapping(), CaseMapping::Ascii);
    assert!(served.irc().member("#a", "X{1}").is_none());
    assert!(served.irc().member("#a", "X[1]").is_some());
    served.hear(":irc 005 dan -CASEMAPPING :are supported\r\n");
    assert!(served.irc().member("#a", "X{1}").is_some());
}

#[test]
fn members_are_kept_track_of_up_to_a_limit() {
    let mut options = ClientOptions::new("dan");
    options.limits.members_max = 1_000;
    options.limits.channels_max = 2;
    let served = Served::signed_on_with(options);
    served.hear(":dan!d@h JOIN #a\r\n");
    for line in 0..100 {
        let names: Vec<String> = (0..50).map(|n| format!("n{line}x{n}")).collect();
        served.hear(&format!(":irc 353 dan = #a :{}\r\n", names.join(" ")));
    }
    let irc = served.irc();
    assert_eq!(irc.members("#a").len(), 1_000);
    assert!(irc.is_partial("#a"));
    served.hear(":dan!d@h PART #a\r\n:dan!d@h JOIN #b\r\n:dan!d@h JOIN #c\r\n:dan!d@h JOIN #d\r\n");
    assert_eq!(irc.channels().len(), 2, "more channels are not kept track of");
    assert_eq!(irc.members("#b").len(), 1, "and what was left makes room");
}

#[test]
fn history_is_told_as_such_and_changes_nothing() {
    let served = in_channel();
    served.hear(
        ":irc BATCH +h chathistory #a\r\n@batch=h :old!o@h JOIN #a\r\n\
         @batch=h;time=2020-01-01T00:00:00.000Z :old!o@h PRIVMSG #a :then\r\n:irc BATCH -h\r\n",
    );
    assert_eq!(served.news(), ["old to #a: then"]);
    assert!(served.irc().member("#a", "old").is_none());
}

#[test]
fn what_a_server_supports_is_read_as_it_says_it() {
    let served = in_channel();
    served.hear(
        ":irc 005 dan NETWORK=The\\x20Ropes TARGMAX=WHOIS:1,KICK:,PRIVMSG:4 MODES= NICKLEN=20 \
         LINELEN=1024 BROKEN=\\x4 EMPTY= :are supported\r\n",
    );
    let isupport = served.irc().isupport();
    assert_eq!(isupport.network(), Some("The Ropes"));
    assert_eq!(isupport.targets_max("privmsg"), Some(4));
    assert_eq!(isupport.targets_max("KICK"), None);
    assert_eq!((isupport.modes_max, isupport.nick_bytes_max), (None, 20));
    assert_eq!(isupport.line_bytes_max, 1024);
    assert_eq!(isupport.token("BROKEN"), Some("\\x4"));
    assert_eq!(isupport.token("EMPTY"), Some(""));
    assert_eq!(isupport.token("NONE"), None);
    assert!(isupport.is_channel("#a") && !isupport.is_channel("a"));
}
