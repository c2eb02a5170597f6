//! [`Incoming`]: the body that a connection is receiving.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Failure, Time, Transport};

use crate::body::Pipe;
use crate::body_decoder::BodyDecoder;
use crate::message_length::MessageLength;
use crate::{Body, HttpError, HttpLimits};

pub(crate) struct Incoming {
    decoder: BodyDecoder,
    pipe: Rc<Pipe>,
    began: Time,
    received: u64,
    /// Of these, what came after nobody wanted it any more.
    discarded: u64,
}

impl Incoming {
    /// A body of that length that comes over `transport`, with the end that is read; `None` if there is none.
    pub(crate) fn begin(
        length: MessageLength,
        transport: &Transport,
        limits: &HttpLimits,
    ) -> Result<Option<(Self, Body)>, HttpError> {
        let decoder = BodyDecoder::new(length, limits)?;
        if decoder.is_done() {
            return Ok(None);
        }
        let (pipe, body) = Body::of(transport, decoder.remaining(), limits.body_buffer_bytes_max);
        let began = transport.reactor().now();
        Ok(Some((Self { decoder, pipe, began, received: 0, discarded: 0 }, body)))
    }

    /// Where it goes to.
    pub(crate) fn pipe(&self) -> Rc<Pipe> {
        self.pipe.clone()
    }

    /// Takes what belongs to the body out of `rest`; `true` when it is complete.
    pub(crate) fn feed(&mut self, rest: &mut &[u8]) -> Result<bool, HttpError> {
        while let Some(piece) = self.decoder.next(rest)? {
            self.received += piece.len() as u64;
            if self.pipe.is_abandoned() {
                self.discarded += piece.len() as u64;
            } else {
                self.pipe.push(Bytes::copy_from_slice(piece));
            }
        }
        if self.decoder.is_done() {
            self.pipe.end(self.decoder.take_trailer());
        }
        Ok(self.decoder.is_done())
    }

    /// The connection has ended: `true` if the body is then complete.
    pub(crate) fn connection_ended(&mut self) -> Result<(), HttpError> {
        self.decoder.connection_ended()?;
        self.pipe.end(None);
        Ok(())
    }

    /// How much of it has come so far, as it is on the wire.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Whether nobody wants the rest.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.pipe.is_abandoned()
    }

    /// Whether reading the rest, which nobody wants, costs less than a new connection.
    pub(crate) fn is_worth_reading(&self, limits: &HttpLimits) -> bool {
        let to_come = self.decoder.remaining().unwrap_or(0);
        self.discarded.saturating_add(to_come) <= limits.discard_bytes_max
    }

    /// The same, if it is known how long the rest is: a stream without an end may be silent for hours.
    pub(crate) fn is_soon_over(&self, limits: &HttpLimits) -> bool {
        self.decoder.remaining().is_some() && self.is_worth_reading(limits)
    }

    /// Whether the peer is held back, since nobody reads.
    pub(crate) fn is_held(&self) -> bool {
        self.pipe.is_paused()
    }

    /// Whether it was held back at any time since this was last asked.
    pub(crate) fn was_held(&self) -> bool {
        self.pipe.was_paused()
    }

    /// By when more must have come.
    pub(crate) fn deadline(&self, limits: &HttpLimits) -> Time {
        let earned = self.received / limits.body_rate_min.max(1);
        self.began + limits.body_timeout + Duration::from_secs(earned)
    }

    /// Time in which the peer could send nothing does not count.
    pub(crate) fn excuse(&mut self, now: Time) {
        self.began = now;
        self.received = 0;
    }

    pub(crate) fn fail(&self, error: HttpError) {
        self.pipe.fail(error.into_failure());
    }

    pub(crate) fn lost(&self, why: Failure) {
        self.pipe.fail(why);
    }
}
