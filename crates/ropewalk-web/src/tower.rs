//! [`TowerResource`]: any [`tower_service::Service`] as a resource, so that an axum `Router` runs on Ropewalk.
//!
//! Such services are made for many threads: their bodies are `Send`, ours are not. So a request's body goes through
//! a slot with a lock that nobody ever waits for, one frame at a time.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use ropewalk_core::{Deferred, Failure, FailureKind};
use ropewalk_http::{Body, Content};
use tower_service::Service;

use crate::{Answer, Request, Resource};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service of HTTP as a leaf.
pub struct TowerResource<S>(S);

impl<S> TowerResource<S> {
    /// Of a service that is cloned for each request.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Resource for TowerResource<S>
where
    S: Service<http::Request<TowerBody>, Response = Response<B>> + Clone + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    fn render(&self, request: &Request) -> Answer {
        let (mut service, asked) = (self.0.clone(), request.clone());
        let reactor = request.transport().reactor().clone();
        let answer: Deferred<Answer> = reactor.spawn(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(failure_of)?;
            let response = service.call(as_http(&asked)?).await.map_err(failure_of)?;
            Ok(response.map(|body| Content::stream(Failing(Box::pin(body)))).into())
        });
        Answer::Later(Box::new(answer))
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

fn failure_of(error: impl Into<BoxError>) -> Failure {
    Failure::new(FailureKind::Local, error.into().to_string())
}

/// The request as the `http` crate has it. A task hands its body over, for as long as there is somebody to take it.
fn as_http(request: &Request) -> Result<http::Request<TowerBody>, Failure> {
    let path = match request.query() {
        Some(query) => format!("/{}?{query}", request.rest()),
        None => format!("/{}", request.rest()),
    };
    let mut head =
        http::Request::builder().method(request.method()).uri(path).version(request.version());
    if let Some(headers) = head.headers_mut() {
        *headers = request.headers().clone();
    }
    let body = request.take_body();
    let slot = Arc::new(Slot::default());
    slot.lock().remaining = body.remaining();
    let feeding = request.transport().reactor().spawn(feed(body, slot.clone()));
    drop(feeding.add_errback(|_| ())); // The reader has heard of it.
    head.body(TowerBody(slot)).map_err(|error| Failure::from_error(FailureKind::Peer, error))
}

/// Hands a body over, frame by frame.
async fn feed(mut body: Body, slot: Arc<Slot>) -> Result<(), Failure> {
    loop {
        if !poll_fn(|cx| slot.poll_wanted(cx)).await {
            return Ok(());
        }
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let is_last = !matches!(frame, Some(Ok(_)));
        slot.put(frame);
        if is_last {
            return Ok(());
        }
    }
}

/// Room for one frame, and who waits for it to be filled or emptied.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    frame: Option<Frame<Bytes>>,
    end: Option<Result<(), Failure>>,
    remaining: Option<u64>,
    reader: Option<Waker>,
    feeder: Option<Waker>,
    is_wanted: bool,
    /// The reader is gone.
    is_gone: bool,
}

impl Slot {
    /// What a panic left is as good as what it found: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when the reader waits for a frame, or is gone: then `false`. A body that nobody reads is not begun.
    fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        if state.is_gone || (state.is_wanted && state.frame.is_none()) {
            return Poll::Ready(!state.is_gone);
        }
        state.feeder = Some(cx.waker().clone());
        Poll::Pending
    }

    fn put(&self, frame: Option<Result<Frame<Bytes>, Failure>>) {
        let reader = {
            let mut state = self.lock();
            match frame {
                Some(Ok(frame)) => state.frame = Some(frame),
                Some(Err(failure)) => state.end = Some(Err(failure)),
                None => state.end = Some(Ok(())),
            }
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// The body of a request to a [`tower_service::Service`].
pub struct TowerBody(Arc<Slot>);

impl Drop for TowerBody {
    fn drop(&mut self) {
        let feeder = {
            let mut state = self.0.lock();
            state.is_gone = true;
            state.feeder.take()
        };
        if let Some(feeder) = feeder {
            feeder.wake();
        }
    }
}

impl http_body::Body for TowerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut state = self.0.lock();
        if let Some(frame) = state.frame.take() {
            let count = frame.data_ref().map_or(0, |data| data.len() as u64);
            state.remaining = state.remaining.map(|left| left.saturating_sub(count));
            return Poll::Ready(Some(Ok(frame)));
        }
        match &state.end {
            Some(Ok(())) => return Poll::Ready(None),
            Some(Err(failure)) => return Poll::Ready(Some(Err(failure.clone().into()))),
            None => {}
        }
        state.is_wanted = true;
        state.reader = Some(cx.waker().clone());
        let feeder = state.feeder.take();
        drop(state);
        if let Some(feeder) = feeder {
            feeder.wake();
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.lock();
        state.remaining == Some(0) || (state.frame.is_none() && matches!(state.end, Some(Ok(()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for TowerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerBody").field("remaining", &self.0.lock().remaining).finish()
    }
}

/// A response's body, with our error.
struct Failing<B>(Pin<Box<B>>);

impl<B> http_body::Body for Failing<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Failure>>> {
        self.0.as_mut().poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(failure_of)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
