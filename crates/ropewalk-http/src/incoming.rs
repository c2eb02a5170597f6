//! [`Incoming`]: the body that a connection is receiving.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ropewalk_core::{Failure, Time};

use crate::body::Pipe;
use crate::body_decoder::BodyDecoder;
use crate::exchange::Exchange;
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
    /// The body that the head of `exchange` announces; `None` if there is none.
    pub(crate) fn begin(
        exchange: &Rc<Exchange>,
        limits: &HttpLimits,
        now: Time,
    ) -> Result<Option<Self>, HttpError> {
        let decoder = BodyDecoder::new(exchange.head.length, limits)?;
        if decoder.is_done() {
            return Ok(None);
        }
        let buffered_max = limits.body_buffer_bytes_max;
        let (pipe, body) = Body::of(exchange.transport(), decoder.remaining(), buffered_max);
        if exchange.head.expects_continue {
            let exchange = Rc::downgrade(exchange);
            body.on_first_read(move || {
                if let Some(exchange) = exchange.upgrade() {
                    exchange.inform(StatusCode::CONTINUE, &HeaderMap::new());
                }
            });
        }
        exchange.rare(|rare| rare.body = Some(body));
        Ok(Some(Self { decoder, pipe, began: now, received: 0, discarded: 0 }))
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

    /// Whether reading the rest, which nobody wants, costs less than a new connection.
    pub(crate) fn is_worth_reading(&self, limits: &HttpLimits) -> bool {
        let to_come = self.decoder.remaining().unwrap_or(0);
        self.discarded.saturating_add(to_come) <= limits.discard_bytes_max
    }

    /// Whether the peer is held back, since nobody reads.
    pub(crate) fn is_held(&self) -> bool {
        self.pipe.is_paused()
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
