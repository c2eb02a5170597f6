//! [`check_protocol`]: a protocol does not care how its bytes are cut into pieces, and survives every end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ropewalk_core::{Factory, Failure, FailureKind};

use crate::{Conversation, Random, Seed};

/// Feeds the same bytes to fresh protocols in many ways, and checks that none of it makes a difference.
///
/// `make` gives a factory for each conversation; `script` is what the peer says. The protocol gets it whole,
/// byte by byte, in two pieces cut at every place, and in pieces by chance; what it writes must always be the
/// same. Then the peer ends, and resets, after each byte: the protocol must not panic.
///
/// # Limits
/// Scripts of a few thousand bytes: every place is tried.
///
/// # Panics
/// If the protocol wrote something else for other pieces, or panicked; with the pieces.
///
/// # Example
/// ```
/// use ropewalk_core::{Cx, Protocol};
/// use ropewalk_testing::check_protocol;
///
/// /// Writes one dot for each line.
/// struct Dots;
/// impl Protocol for Dots {
///     fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
///         let lines = data.iter().filter(|&&byte| byte == b'\n').count();
///         cx.transport().write(&b".".repeat(lines));
///     }
/// }
/// check_protocol(|| || Dots, b"one\ntwo\nthree\n");
/// ```
pub fn check_protocol<F: Factory>(make: impl Fn() -> F, script: &[u8]) {
    let expected = converse(make(), &[script]);
    for pieces in cuttings(script) {
        let written = converse(make(), &pieces);
        assert!(
            written == expected,
            "cut into {}, the protocol wrote\n  {}\ninstead of\n  {}",
            describe(&pieces),
            written.escape_ascii(),
            expected.escape_ascii()
        );
    }
    for at in 0..=script.len() {
        end_after(make(), &script[..at], "the peer's end", Conversation::close_peer);
        end_after(make(), &script[..at], "a reset", Conversation::reset_peer);
    }
}

/// Cuttings by chance that are tried.
const RANDOM_CUTTINGS: usize = 20;

fn cuttings(script: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all = vec![script.chunks(1).collect()];
    all.extend((1..script.len()).map(|at| vec![&script[..at], &script[at..]]));
    let mut random = Random::new(Seed::from_env());
    all.extend((0..RANDOM_CUTTINGS).map(|_| cut_by_chance(script, &mut random)));
    all
}

fn cut_by_chance<'a>(script: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (script, Vec::new());
    let most = 1 + random.below(script.len() as u64);
    while !rest.is_empty() {
        let len = 1 + usize::try_from(random.below(most)).unwrap_or(0);
        let (piece, after) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// What a protocol writes that is told this.
fn converse<F: Factory>(factory: F, pieces: &[&[u8]]) -> Vec<u8> {
    let conversation = Conversation::new(factory);
    for piece in pieces {
        conversation.feed(piece);
    }
    must_not_panic(&conversation, &describe(pieces));
    conversation.written()
}

fn end_after<F: Factory>(factory: F, said: &[u8], what: &str, end: impl FnOnce(&Conversation<F>)) {
    let conversation = Conversation::new(factory);
    conversation.feed(said);
    let ended = catch_unwind(AssertUnwindSafe(|| end(&conversation)));
    let place = format!("{what} after {:?}", said.escape_ascii().to_string());
    if let Err(panic) = ended {
        panic!("{place}: {}", Failure::from_panic(&*panic));
    }
    must_not_panic(&conversation, &place);
}

fn must_not_panic<F: Factory>(conversation: &Conversation<F>, place: &str) {
    if let Some(failure) = conversation.lost().filter(|f| f.is(FailureKind::Panic)) {
        panic!("{place}: {failure}");
    }
}

fn describe(pieces: &[&[u8]]) -> String {
    let quoted = pieces.iter().map(|piece| format!("\"{}\"", piece.escape_ascii()));
    quoted.collect::<Vec<_>>().join(" ")
}
