//! [`Hear`]: who is told what became of a try.

use std::rc::Rc;

use ropewalk_core::Failure;

/// Who waits for answers: one exchange, or a bulk lookup of many. Each try has a number of the asker's own.
pub(crate) trait Hear {
    /// One try is over. Called once for each that was begun and not forgotten; it may begin another.
    fn heard(self: Rc<Self>, number: u64, what: Heard<'_>);
}

/// What became of a try.
pub(crate) enum Heard<'a> {
    /// The server's answer, whatever it says.
    Answer(&'a [u8]),
    /// What would be the answer, but for the case of the letters in its question: the server's that changes them, or
    /// a forger's who does not know it.
    CaseDiffers(&'a [u8]),
    /// Nothing has come in time.
    TimedOut,
    /// Too much has come that is no answer: somebody may be trying to forge one.
    Forged,
    /// The socket or the connection is lost, or could not be had.
    Lost(Failure),
}
