//! hickory-proto as an oracle: of messages by chance both of us read the same, or it is known why not.
//!
//! | file | what is in it |
//! |---|---|
//! | `messages.rs` | messages by chance |
//! | `ours.rs`, `theirs.rs` | one as each of the two reads it |
//! | `reading.rs` | what is compared |
//! | `difference.rs` | the differences there may be, each with its reason |
//! | `queries.rs` | the same for the server's reading of queries |
//!
//! `ROPEWALK_ORACLE_MESSAGES=1000000 cargo test --release -p ropewalk-dns --lib oracle -- --nocapture` reads so many, and
//! shows how often each difference came.

mod difference;
mod messages;
mod ours;
mod queries;
mod reading;
mod theirs;

use std::collections::BTreeMap;

use self::difference::Why;
use crate::Random;

/// Messages that are read each time: a few seconds' worth in a debug build.
const MESSAGES: u64 = 20_000;

/// What came out.
#[derive(Default)]
struct Tally {
    read_by_both: u64,
    refused_by_both: u64,
    differences: BTreeMap<Why, u64>,
}

impl Tally {
    /// Has both read a message.
    fn take(&mut self, message: &[u8]) -> Result<(), String> {
        let (ours, theirs) = (ours::read(message), theirs::read(message));
        match (&ours.refusal, &theirs.refusal) {
            (None, None) => self.read_by_both += 1,
            (Some(_), Some(_)) => self.refused_by_both += 1,
            _ => {}
        }
        let found = difference::explain(&ours, &theirs)?;
        let of_query = queries::explain(message, &ours, &theirs)?;
        for why in found.into_iter().chain(of_query) {
            *self.differences.entry(why).or_default() += 1;
        }
        Ok(())
    }

    #[allow(clippy::print_stdout, reason = "the table is what a long run is for")]
    fn show(&self, messages: u64) {
        let Self { read_by_both, refused_by_both, differences } = self;
        println!(
            "{messages} messages: {read_by_both} read by both, {refused_by_both} refused by both"
        );
        for (why, count) in differences {
            println!("{count:9}  {why:?}: {}", why.reason());
        }
    }
}

#[test]
fn both_read_the_same_of_a_message_or_it_is_known_why_not() {
    let more = std::env::var("ROPEWALK_ORACLE_MESSAGES").ok().and_then(|count| count.parse().ok());
    let messages = more.unwrap_or(MESSAGES);
    let mut tally = Tally::default();
    for seed in 0..messages {
        let message = messages::any_message(&mut Random::from_seed(seed));
        if let Err(difference) = tally.take(&message) {
            panic!("message {seed}: {difference}\n{message:02x?}");
        }
    }
    tally.show(messages);
    assert!(tally.read_by_both > messages / 4 && tally.refused_by_both > messages / 10);
}
