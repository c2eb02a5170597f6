//! Deferreds: results that are not there yet, and what is built on them.
//!
//! A [`Deferred<T>`] will one day hold a `Result<T, Failure>`. Callbacks are hung on it in a chain, each getting
//! what the one before it gave; a callback that itself gives a Deferred makes the rest of the chain wait for it.
//! [`Resolver<T>`] is the other end, which fires the chain. A Deferred needs no reactor, and it is a future:
//! inside a task, `.await` it.
//!
//! ```
//! use ropewalk_core::Deferred;
//! let (resolver, answer) = Deferred::<u32>::new();
//! answer
//!     .add_callback(|number| Ok(number * 2))
//!     .add_callback(|number| assert_eq!(number, 42));
//! resolver.callback(21); // both callbacks run now, in this call
//! ```
//!
//! # How it works, in reading order
//! A chain that has fired is its result, inline, and owns no memory. A pending one is a line of nodes, each owned
//! by the one before it and the first by the resolver: a `Root` (`resolver.rs`) and one `Stage` (`stage.rs`) per
//! callback. Each node has a `Port` (`port.rs`), where its result goes. Firing is a loop, not a recursion: a
//! stage runs its callback, puts the result into the next stage and returns that one to the loop, so neither
//! long chains nor deeply nested ones grow the stack. What a chain waits for at the moment, and so what a cancel
//! must reach, is kept once per chain (`control.rs`). The rest is built on these: waiting for several
//! (`list.rs`, `race.rs`), taking turns (`lock.rs`, `queue.rs`, over `line.rs`) and not waiting for ever
//! (`timeout.rs`).

mod awaiting;
mod chain;
mod control;
mod ending;
mod line;
mod list;
mod local_task;
mod lock;
mod outcome;
mod port;
mod queue;
mod race;
mod resolver;
mod stage;
mod timeout;
mod unhandled;

#[cfg(test)]
mod tests;

pub use awaiting::Awaiting;
pub use chain::Deferred;
pub(crate) use control::CancelHandle;
pub(crate) use ending::Ending;
pub use list::{DeferredList, DeferredListOptions, FirstError, ListResult, gather_results};
pub(crate) use local_task::{LocalTask, poll_as};
pub use lock::{DeferredLock, DeferredSemaphore, LockGuard, SemaphoreGuard};
pub use outcome::Outcome;
pub use queue::{DeferredQueue, QueueFull};
pub use race::{FailureGroup, race, until_first_success};
pub use resolver::Resolver;
