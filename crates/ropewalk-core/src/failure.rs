//! [`Failure`]: the one error of Ropewalk.
//!
//! It says what failed, whose fault it is ([`FailureKind`]) and where in the program it was made, and it
//! carries the error that caused it. It is one pointer, so a `Result<T, Failure>` is small, and it is `Send`,
//! `Sync` and `Clone`, because one lost connection may fail many waiting requests.
//!
//! Like Twisted's, it also tells of things that are no error: a connection that ended as it should is *lost*
//! with a Failure of kind [`ConnectionDone`](FailureKind::ConnectionDone).
//!
//! `Failure` does not implement [`Error`] itself, so that `?` can make one of any error (the same bargain as
//! `anyhow`); it turns into a `Box<dyn Error + Send + Sync>` where an `Error` is asked for.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use crate::RemoteError;

/// What failed, whose fault it was, and where.
///
/// It is the one error of Ropewalk; a connection's clean end is one too
/// ([`ConnectionDone`](FailureKind::ConnectionDone)). It does not implement [`Error`], so that `?` can make one
/// of any error; it turns into a `Box<dyn Error + Send + Sync>`.
///
/// # Example: only one kind is expected
/// ```
/// use ropewalk_core::{Failure, FailureKind};
/// fn on_failure(failure: Failure) -> Result<(), Failure> {
///     failure.trap_kind(FailureKind::Timeout)?; // anything else goes on down the chain
///     Ok(())
/// }
/// assert!(on_failure(Failure::new(FailureKind::Timeout, "no answer in 5 s")).is_ok());
/// assert!(on_failure(Failure::new(FailureKind::Peer, "bad greeting")).is_err());
/// ```
#[derive(Clone)]
pub struct Failure(Arc<Record>);

/// Whose fault a [`Failure`] is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Nobody's: the connection ended as it should, by either side.
    ConnectionDone,
    /// The other side broke a rule, refused, or went away.
    Peer,
    /// This program asked for something that cannot be.
    Local,
    /// The operating system said no.
    System,
    /// A named limit was reached.
    Limit,
    /// It took longer than was allowed.
    Timeout,
    /// Somebody here no longer wanted it.
    Cancelled,
    /// What was to give the result was dropped without giving it.
    Abandoned,
    /// The reactor has stopped.
    Stopped,
    /// A callback panicked.
    Panic,
}

#[derive(Clone)]
struct Record {
    kind: FailureKind,
    message: Cow<'static, str>,
    error: Option<Cause>,
    made_at: &'static Location<'static>,
}

type Cause = Arc<dyn Error + Send + Sync>;

impl Failure {
    /// A failure with no underlying error.
    #[track_caller]
    pub fn new(kind: FailureKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::make(kind, message.into(), None)
    }

    /// A failure that `error` caused.
    #[track_caller]
    pub fn from_error(kind: FailureKind, error: impl Error + Send + Sync + 'static) -> Self {
        Self::make(kind, Cow::Borrowed(""), Some(Arc::new(error)))
    }

    #[track_caller]
    fn make(kind: FailureKind, message: Cow<'static, str>, error: Option<Cause>) -> Self {
        Self(Arc::new(Record { kind, message, error, made_at: Location::caller() }))
    }

    /// Runs code that is not this crate's: a panic in it is a failure.
    ///
    /// # Errors
    /// It panicked.
    #[track_caller]
    pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Self> {
        catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Self::from_panic(&*payload))
    }

    /// The failure of a callback that panicked, from what [`std::panic::catch_unwind`] gave.
    #[track_caller]
    pub fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let said = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "with a value that is not text".to_owned());
        Self::new(FailureKind::Panic, format!("a callback panicked: {said}"))
    }

    /// The same failure with what was being done before it: `listen on tcp:80: permission denied`.
    #[must_use]
    pub fn context(&self, doing: impl fmt::Display) -> Self {
        let message = match (self.0.message.as_ref(), &self.0.error) {
            ("", Some(_)) => doing.to_string(),
            (before, _) => format!("{doing}: {before}"),
        };
        Self(Arc::new(Record { message: message.into(), ..Record::clone(&self.0) }))
    }

    /// The same failure, as another's fault.
    #[must_use]
    pub fn with_kind(&self, kind: FailureKind) -> Self {
        Self(Arc::new(Record { kind, ..Record::clone(&self.0) }))
    }

    /// Whose fault it is.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: FailureKind) -> bool {
        self.0.kind == kind
    }

    /// Where in the program it was made.
    pub fn made_at(&self) -> &'static Location<'static> {
        self.0.made_at
    }

    /// The error that caused it, if it is an `E` or was caused by one.
    pub fn check<E: Error + 'static>(&self) -> Option<&E> {
        iter::successors(self.error(), |&error| error.source()).find_map(|e| e.downcast_ref())
    }

    /// Itself, if an `E` caused it; as an `Err` to hand on with `?` if not.
    ///
    /// # Errors
    /// Itself, unchanged.
    pub fn trap<E: Error + 'static>(self) -> Result<Self, Self> {
        if self.check::<E>().is_some() { Ok(self) } else { Err(self) }
    }

    /// Itself, if it is of this kind; as an `Err` to hand on with `?` if not.
    ///
    /// # Errors
    /// Itself, unchanged.
    pub fn trap_kind(self, kind: FailureKind) -> Result<Self, Self> {
        if self.is(kind) { Ok(self) } else { Err(self) }
    }

    /// The error that caused it, if there is one.
    pub fn error(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error.as_deref().map(|error| error as &(dyn Error + 'static))
    }

    /// A connection ended as it should.
    #[track_caller]
    pub fn connection_done() -> Self {
        Self::new(FailureKind::ConnectionDone, "connection closed cleanly")
    }

    /// The result is no longer wanted.
    #[track_caller]
    pub fn cancelled() -> Self {
        Self::new(FailureKind::Cancelled, "cancelled")
    }

    /// The resolver of a Deferred was dropped without firing it.
    #[track_caller]
    pub fn abandoned() -> Self {
        Self::new(
            FailureKind::Abandoned,
            "what was to give the result was dropped without giving it",
        )
    }

    /// The reactor has stopped.
    #[track_caller]
    pub fn stopped() -> Self {
        Self::new(FailureKind::Stopped, "the reactor has stopped")
    }
}

/// Any error becomes a failure: an [`io::Error`] by its kind the peer's, a timeout or the system's; a refused
/// call from another thread a limit's or the stopped reactor's; any other is [`Local`](FailureKind::Local).
/// Use [`Failure::from_error`] to say otherwise.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let kind = kind_of(&error);
        Self::from_error(kind, error)
    }
}

fn kind_of(error: &dyn Any) -> FailureKind {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut, UnexpectedEof,
    };
    match (error.downcast_ref().map(io::Error::kind), error.downcast_ref()) {
        (
            Some(
                BrokenPipe | ConnectionAborted | ConnectionRefused | ConnectionReset
                | UnexpectedEof,
            ),
            _,
        ) => FailureKind::Peer,
        (Some(TimedOut), _) => FailureKind::Timeout,
        (Some(_), _) => FailureKind::System,
        (_, Some(RemoteError::Full)) => FailureKind::Limit,
        (_, Some(RemoteError::Stopped)) => FailureKind::Stopped,
        (None, None) => FailureKind::Local,
    }
}

impl From<Failure> for Box<dyn Error + Send + Sync> {
    fn from(failure: Failure) -> Self {
        #[derive(Debug)]
        struct Boxed(Failure);
        impl fmt::Display for Boxed {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl Error for Boxed {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.0.error()
            }
        }
        Box::new(Boxed(failure))
    }
}

/// One line: what failed and why.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.message.as_ref(), &self.0.error) {
            ("", Some(error)) => write!(f, "{error}"),
            (message, Some(error)) => write!(f, "{message}: {error}"),
            (message, None) => f.write_str(message),
        }
    }
}

/// The line of `Display`, whose fault, and where it was made.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?}, at {})", self.0.kind, self.0.made_at)
    }
}
