//! Zones on their way from a primary to its secondaries (RFC 5936, RFC 1995, RFC 1996).
//!
//! Out: [`Authority`](crate::zone::Authority) gives zones away, and a [`Notifier`] says that there is a newer one. In: a
//! [`Secondary`] keeps a zone as its primary has it. A NOTIFY may come in on any thread, and rings one of the [`Bells`].

mod bell;
mod beside;
mod fetch;
mod incoming;
mod notifier;
mod outgoing;
mod secondary;

pub use bell::Bells;
pub use beside::{Beside, Job};
pub use fetch::FetchLimits;
pub use notifier::Notifier;
pub(crate) use outgoing::Transfer;
pub use secondary::{IsNew, Primary, Secondary, SecondarySettings};
