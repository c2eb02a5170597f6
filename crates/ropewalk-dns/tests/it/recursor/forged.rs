//! Servers that say what is not theirs to say.

use domain::base::iana::Rtype;
use ropewalk_core::FailureKind;
use ropewalk_dns::server::Section;

use super::script::{EVIL, Script, Words, tree, wire};
use super::tree::{Tree, shown};

fn www(tree: &Tree, recursor: &ropewalk_dns::Recursor) -> Vec<String> {
    shown(&tree.find(recursor, "www.example", Rtype::A).unwrap())
}

const TRUE: [&str; 1] = ["www.example a 192.0.2.80"];

#[test]
fn what_a_server_says_of_other_zones_is_not_believed() {
    let tree = tree(|name, _, words| {
        words.answer(name, [192, 0, 2, 1]);
        words.answer("www.example", [192, 0, 2, 66]);
        words.say(Section::Authority, "example", Rtype::NS, &wire("ns.evil"));
        words.say(Section::Authority, ".", Rtype::NS, &wire("ns.evil"));
        words.say(Section::Additional, "ns.example", Rtype::A, &EVIL);
        words.say(Section::Additional, "a.root", Rtype::A, &EVIL);
    });
    let recursor = tree.recursor();
    let found = tree.find(&recursor, "a.evil", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["a.evil a 192.0.2.1"]);
    assert_eq!(www(&tree, &recursor), TRUE);
}

#[test]
fn what_an_alias_leads_to_is_asked_of_who_answers_for_it() {
    let tree = tree(|name, _, words| {
        words.alias(name, "www.example");
        words.answer("www.example", [192, 0, 2, 66]);
    });
    let found = tree.find(&tree.recursor(), "a.evil", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["a.evil cname www.example.", TRUE[0]]);
}

#[test]
fn a_referral_goes_down_and_never_up_or_aside() {
    for zone in [".", "example", "evil", "b.evil"] {
        let tree = tree(move |_, _, words| words.refer(zone, &[("ns.evil", Some(EVIL))]));
        let recursor = tree.recursor();
        let failure = tree.find(&recursor, "a.evil", Rtype::A).unwrap_err();
        assert!(failure.is(FailureKind::Peer), "{zone}: {failure}");
        assert_eq!(www(&tree, &recursor), TRUE, "{zone}");
    }
}

#[test]
fn addresses_that_come_with_a_referral_are_nobodys_answer() {
    let tree = tree(|_, _, words| {
        words.refer("sub.evil", &[("ns.sub.evil", Some([198, 51, 100, 67]))]);
    });
    tree.answer_by(
        "198.51.100.67",
        Script(|name: &str, _, words: &mut Words<'_, '_>| {
            words.answer(name, [192, 0, 2, 5]);
        }),
    );
    let recursor = tree.recursor();
    for name in ["x.sub.evil", "ns.sub.evil"] {
        let found = tree.find(&recursor, name, Rtype::A).unwrap();
        assert_eq!(shown(&found), [format!("{name} a 192.0.2.5")]);
    }
}
