//! Requests on a server that labels its answers (IRCv3 labeled-response).

use super::{Awaited, Served};

const LABELS: &str = "batch labeled-response message-tags echo-message";

#[test]
fn an_answer_is_known_by_its_label_whatever_it_is_about() {
    let served = Served::with_capabilities(LABELS);
    let (first, second) = (served.irc().whois("eve"), served.irc().whois("eve"));
    let (first, second) = (Awaited::new(first), Awaited::new(second));
    assert_eq!(served.written(), "@label=rw1 WHOIS eve\r\n@label=rw2 WHOIS eve\r\n");
    served.hear(
        "@label=rw2 :irc BATCH +x labeled-response\r\n@batch=x :irc 311 dan eve u h * :Second\r\n\
         @batch=x :irc 318 dan eve :End\r\n:irc BATCH -x\r\n",
    );
    assert_eq!(second.value().realname, "Second");
    assert!(!first.is_there());
    served.hear(":irc 311 dan eve u h * :Nobody's\r\n:irc 318 dan eve :End\r\n");
    assert!(!first.is_there(), "what has no label answers nothing that has");
    served.hear("@label=rw1 :irc 401 dan eve :No such nick\r\n");
    assert!(first.failure().to_string().starts_with("401"));
}

#[test]
fn what_needs_no_answer_is_acknowledged() {
    let served = Served::with_capabilities(LABELS);
    let mode = Awaited::new(served.irc().mode("#a", &["+n"]));
    assert_eq!(served.written(), "@label=rw1 MODE #a +n\r\n", "no other line is needed");
    served.hear("@label=rw1 :irc ACK\r\n");
    mode.value();
}

#[test]
fn a_message_has_arrived_when_it_comes_back_and_not_when_it_is_refused() {
    let served = Served::with_capabilities(LABELS);
    let said = Awaited::new(served.irc().privmsg("#a", "hello"));
    let refused = Awaited::new(served.irc().privmsg("#b", "hello"));
    assert!(!said.is_there());
    served.hear("@label=rw1 :dan!d@h PRIVMSG #a :hello\r\n");
    said.value();
    served.hear("@label=rw2 :irc 404 dan #b :Cannot send to channel\r\n");
    assert!(refused.failure().to_string().contains("404"));
}

#[test]
fn a_nick_is_one_s_own_by_its_label_even_if_the_line_comes_from_the_new_one() {
    let served = Served::with_capabilities(LABELS);
    served.hear(":dan!d@h JOIN #a\r\n");
    let renamed = Awaited::new(served.irc().set_nick("eve"));
    served.hear("@label=rw1 :eve!d@h NICK eve\r\n");
    renamed.value();
    assert_eq!(served.irc().nick(), "eve");
    assert_eq!(served.irc().members("#a").len(), 1);
    assert_eq!(served.irc().members("#a")[0].nick, "eve");
}

#[test]
fn a_join_takes_the_whole_batch() {
    let served = Served::with_capabilities(LABELS);
    let joined = Awaited::new(served.irc().join("#a"));
    served.hear("@label=rw1 :irc BATCH +1 labeled-response\r\n@batch=1 :dan!d@h JOIN #a\r\n");
    served.hear("@batch=1 :irc 353 dan = #a :dan\r\n");
    assert!(!joined.is_there());
    served.hear("@batch=1 :irc 366 dan #a :End\r\n:irc BATCH -1\r\n");
    joined.value();
}

#[test]
fn a_batch_within_a_batch_belongs_to_the_same_request() {
    let served = Served::with_capabilities(LABELS);
    let list = Awaited::new(served.irc().list(""));
    served.hear("@label=rw1 :irc BATCH +1 labeled-response\r\n@batch=1 :irc BATCH +2 other\r\n");
    served.hear("@batch=2 :irc 322 dan #a 1 :x\r\n:irc BATCH -2\r\n");
    assert!(!list.is_there());
    served.hear("@batch=1 :irc 322 dan #b 1 :y\r\n:irc BATCH -1\r\n");
    assert_eq!(list.value().len(), 2);
}

#[test]
fn a_standard_reply_is_a_refusal() {
    let served = Served::with_capabilities("batch labeled-response setname");
    let named = Awaited::new(served.irc().setname("x"));
    served.hear("@label=rw1 :irc FAIL SETNAME INVALID_REALNAME :Realname is not valid\r\n");
    assert_eq!(named.failure().to_string(), "INVALID_REALNAME: Realname is not valid");
    let named = Awaited::new(served.irc().setname("y"));
    served.hear("@label=rw2 :dan!d@h SETNAME :y\r\n");
    named.value();
}

#[test]
fn labels_are_of_no_use_without_batches() {
    let served = Served::with_capabilities("labeled-response message-tags");
    drop(served.irc().mode("#a", &["+n"]));
    assert_eq!(served.written(), "MODE #a +n\r\nPING rw1\r\n");
}

#[test]
fn batches_that_are_never_ended_are_kept_track_of_up_to_a_limit() {
    let served = Served::with_capabilities(LABELS);
    let (first, second) =
        (Awaited::new(served.irc().list("")), Awaited::new(served.irc().list("")));
    (0..64).for_each(|n| served.hear(&format!("@label=rw1 :irc BATCH +{n} labeled-response\r\n")));
    served.hear("@label=rw2 :irc BATCH +x labeled-response\r\n:irc BATCH -x\r\n");
    assert!(!second.is_there());
    (0..64).for_each(|n| served.hear(&format!(":irc BATCH -{n}\r\n")));
    assert_eq!(first.value(), []);
}

#[test]
fn labels_and_batches_that_nobody_asked_for_do_no_harm() {
    let served = Served::with_capabilities(LABELS);
    for line in [
        "@label=rw99 :irc ACK",
        "@label=;batch= :irc ACK",
        ":irc BATCH",
        ":irc BATCH +",
        ":irc BATCH -none",
        ":irc BATCH x y",
        "@batch=none :irc 311 dan eve u h * :x",
        "@label=rw18446744073709551616 :irc ACK",
    ] {
        served.hear(&format!("{line}\r\n"));
    }
    let many: String =
        (0..500).map(|n| format!("@label=rw1 :irc BATCH +{n} labeled-response\r\n")).collect();
    served.hear(&many);
    assert!(served.irc().is_signed_on());
}
