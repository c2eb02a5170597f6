//! [`Part`]: what is to be told on one thread of the network.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Record, UserId};
use crate::ChannelName;

/// One thread's part of the network, as the others see it: a queue of what is to be told there.
#[derive(Default)]
pub(crate) struct Part {
    queue: VecDeque<Posted>,
    waker: Option<Waker>,
    is_closed: bool,
}

/// What is to be told.
#[derive(Clone)]
pub(crate) enum Posted {
    Happened(Arc<Record>, Audience),
    Closed,
}

/// Who is to be told.
#[derive(Clone)]
pub(crate) enum Audience {
    /// All on the event's channel, when its turn comes in the queue.
    Channel(ChannelName),
    /// All on any of the source's channels, the source itself, and those who watch the name.
    Friends { channels: Arc<[ChannelName]>, watchers: Arc<[UserId]> },
    /// These; the source is among them if it is to be echoed.
    Users(Arc<[UserId]>),
    /// These, because they watch the name.
    Watchers(Arc<[UserId]>),
}

impl Part {
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Enters something. The thread that acts tells it by itself; another is woken.
    pub(crate) fn post(&mut self, posted: Posted, is_acting: bool) {
        if self.is_closed {
            return;
        }
        self.queue.push_back(posted);
        if let Some(waker) = self.waker.take_if(|_| !is_acting) {
            waker.wake();
        }
    }

    /// The last that is told here is that it is closed.
    pub(crate) fn close(&mut self) {
        self.post(Posted::Closed, false);
        self.is_closed = true;
    }

    pub(crate) fn next(&mut self) -> Option<Posted> {
        self.queue.pop_front()
    }

    pub(crate) fn take_queue(&mut self) -> VecDeque<Posted> {
        std::mem::take(&mut self.queue)
    }

    /// Ready with true when there is something to tell, with false when it is closed and there is not.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.queue.is_empty() {
            return Poll::Ready(true);
        }
        if self.is_closed {
            return Poll::Ready(false);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
