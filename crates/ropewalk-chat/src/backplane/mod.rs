//! [`Backplane`]: joins the networks of several processes over NATS.
//!
//! Each process tells the others what its own people do, and does what theirs do: so everybody is in the same rooms, on
//! whichever process they are. NATS brings a message at most once, and nothing while it is away. So what a process tells
//! is numbered, it keeps the last of it, and the others ask for what they have missed: each event is done once, and in
//! the order of who told it. Who comes new asks who is there.
//!
//! A process that the others do not hear of for some seconds is taken for gone: its people leave. If it comes back, they
//! are there again as they were, and what they have done meanwhile follows.
//!
//! What two processes tell is not in the same order for all. Of two people of one name that came while the processes did
//! not hear of each other the older claim holds, and of two rooms the older room: who made the younger has no more
//! rights there than others.
//!
//! | file | what is in it |
//! |---|---|
//! | `backplane.rs` | who hears whom, and what is answered |
//! | `letter.rs` | what is written |
//! | `own.rs`, `teller.rs` | what our own people do, to be told |
//! | `others.rs` | what others do, to be done here |
//! | `absence.rs` | what is kept of those who are not heard of |
//! | `rooms.rs` | which of two rooms of one name holds |
//! | `peer.rs`, `ring.rs` | the numbers: what is missing, what was told |

mod absence;
#[expect(clippy::module_inception, reason = "the file of the noun that the room is named for")]
mod backplane;
mod letter;
mod others;
mod own;
mod peer;
mod ring;
mod rooms;
mod teller;

pub use backplane::Backplane;
