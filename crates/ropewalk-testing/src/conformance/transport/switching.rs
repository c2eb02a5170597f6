//! One connection, two protocols: the second takes over from the first.

use ropewalk_core::{Cx, Failure, FailureKind, Protocol};

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;
use crate::{Log, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(the_next_protocol_gets_the_rest_and_all_that_follows),
        Case::of(the_protocol_before_gets_no_connection_lost),
        Case::of(references_to_the_protocol_before_are_lost),
        Case::of(a_protocol_may_switch_on_its_way_in),
    ]
}

/// Hands the connection on at the first exclamation mark.
struct Doorkeeper {
    next: Log,
    before: Log,
}

impl Protocol for Doorkeeper {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        if let Some(at) = data.iter().position(|&byte| byte == b'!') {
            cx.switch_protocol(Recorder::new(&self.next), data[at + 1..].to_vec());
        }
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        Recorder::new(&self.before).connection_lost(cx, reason);
    }
}

struct Door {
    next: Log,
    before: Log,
    client: Log,
}

fn open(bench: &Bench) -> Door {
    let (next, before, client) = (Log::default(), Log::default(), Log::default());
    let (for_next, for_before, for_client) = (next.clone(), before.clone(), client.clone());
    let port =
        bench.listen(move || Doorkeeper { next: for_next.clone(), before: for_before.clone() });
    let dialled = bench.dial(&port, move || Recorder::new(&for_client));
    bench.wait_for(dialled).expect("it connects");
    Door { next, before, client }
}

fn the_next_protocol_gets_the_rest_and_all_that_follows(bench: Bench) {
    let door = open(&bench);
    door.client.transport().write(b"knock knock!first ");
    bench.until("the rest", || door.next.data() == b"first ");
    door.client.transport().write(b"then");
    bench.until("what follows", || door.next.data() == b"first then");
    assert!(door.next.summary().starts_with("made data"));
    door.next.transport().write(b"welcome");
    bench.until("an answer", || door.client.data() == b"welcome");
}

fn the_protocol_before_gets_no_connection_lost(bench: Bench) {
    let door = open(&bench);
    door.client.transport().write(b"!");
    door.client.transport().lose_connection();
    bench.until("the end", || door.next.lost().is_some());
    assert_eq!(door.next.summary(), "made read-lost lost");
    assert_eq!(door.before.summary(), "");
}

fn references_to_the_protocol_before_are_lost(bench: Bench) {
    let (client, next) = (Log::default(), Log::default());
    let (for_client, for_next) = (client.clone(), next.clone());
    let port = bench.listen(|| Recorder::new(&Log::default()));
    let dialled = bench.dial(&port, move || Recorder::new(&for_client));
    bench.wait_for(dialled).expect("it connects");
    let before = client.transport().protocol_ref::<Recorder>();
    let switched =
        before.call(move |_, cx| cx.switch_protocol(Recorder::new(&for_next), b"rest".to_vec()));
    assert!(switched.is_fired());
    bench.until("the rest", || next.data() == b"rest");
    assert!(!before.is_alive());
    let failure = before.call(|_, _| ()).into_result().ok().and_then(Result::err);
    assert!(failure.is_some());
    let after = client.transport().protocol_ref::<Recorder>();
    assert!(after.is_alive() && after.call(|_, _| ()).is_fired());
    client.transport().lose_connection();
    assert_eq!(bench.lost(&next).kind(), FailureKind::ConnectionDone);
    assert!(client.lost().is_none());
}

struct Passing(Log);

impl Protocol for Passing {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        cx.transport().write(b"from the first ");
        cx.switch_protocol(Recorder::new(&self.0), Vec::new());
    }
}

fn a_protocol_may_switch_on_its_way_in(bench: Bench) {
    let (client, next) = (Log::default(), Log::default());
    let (for_client, for_next) = (client.clone(), next.clone());
    let port = bench.listen(move || Passing(for_next.clone()));
    let dialled = bench.dial(&port, move || Recorder::new(&for_client));
    bench.wait_for(dialled).expect("it connects");
    bench.until("the second protocol", || next.is_made());
    next.transport().write(b"from the second");
    bench.until("both", || client.data() == b"from the first from the second");
}
