//! [`Resource`]: a place on a site.

use std::rc::Rc;

use ropewalk_core::Failure;

use crate::{Answer, Request};

/// What stands behind a URL: it answers requests, and may have children.
///
/// A site looks for the resource of a request from its root, one segment of the path after another, until one is
/// a leaf or the path is used up. What is left of the path is [`Request::rest`].
///
/// # Example: a counter
/// ```
/// use std::cell::Cell;
/// use ropewalk_web::{Answer, Request, Resource};
///
/// #[derive(Default)]
/// struct Counter(Cell<u64>);
///
/// impl Resource for Counter {
///     fn render(&self, _: &Request) -> Answer {
///         self.0.set(self.0.get() + 1); // one thread: no lock
///         format!("You are visitor {}", self.0.get()).into()
///     }
/// }
/// ```
pub trait Resource: 'static {
    /// Answers a request.
    fn render(&self, request: &Request) -> Answer;

    /// The resource one segment further down; `None` if there is none. The segment is decoded.
    fn child(&self, segment: &str, request: &Request) -> Option<Rc<dyn Resource>> {
        let _ = (segment, request);
        None
    }

    /// Whether it answers for everything below it, too.
    fn is_leaf(&self) -> bool {
        false
    }
}

impl<R: Resource + ?Sized> Resource for Rc<R> {
    fn render(&self, request: &Request) -> Answer {
        (**self).render(request)
    }

    fn child(&self, segment: &str, request: &Request) -> Option<Rc<dyn Resource>> {
        (**self).child(segment, request)
    }

    fn is_leaf(&self) -> bool {
        (**self).is_leaf()
    }
}

/// A function as a leaf. See [`page`].
pub struct Page<F>(F);

/// A resource of a function. It answers for everything below it.
///
/// # Example
/// ```
/// use ropewalk_web::{Request, page};
/// let hello = page(|request: &Request| format!("Hello from {}", request.path()));
/// # let _: &dyn ropewalk_web::Resource = &hello;
/// ```
pub fn page<F, A>(f: F) -> Page<F>
where
    F: Fn(&Request) -> A + 'static,
    A: Into<Answer>,
{
    Page(f)
}

impl<F, A> Resource for Page<F>
where
    F: Fn(&Request) -> A + 'static,
    A: Into<Answer>,
{
    fn render(&self, request: &Request) -> Answer {
        (self.0)(request).into()
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

/// An `async fn` as a leaf. See [`page_async`].
pub struct AsyncPage<F>(Rc<F>);

/// A resource of an `async fn`, each of whose calls is a task on the reactor. It answers for everything below it.
///
/// # Cancellation
/// The task is cancelled if the connection is lost.
///
/// # Example
/// ```
/// use ropewalk_core::Failure;
/// use ropewalk_web::{Request, page_async};
/// let echo = page_async(async |request: Request| {
///     let body = request.take_body().collect(1 << 20).await?;
///     Ok::<_, Failure>(body)
/// });
/// # let _: &dyn ropewalk_web::Resource = &echo;
/// ```
pub fn page_async<F, A>(f: F) -> AsyncPage<F>
where
    F: AsyncFn(Request) -> Result<A, Failure> + 'static,
    A: Into<Answer> + 'static,
{
    AsyncPage(Rc::new(f))
}

impl<F, A> Resource for AsyncPage<F>
where
    F: AsyncFn(Request) -> Result<A, Failure> + 'static,
    A: Into<Answer> + 'static,
{
    fn render(&self, request: &Request) -> Answer {
        let (f, request) = (self.0.clone(), request.clone());
        let reactor = request.transport().reactor().clone();
        reactor.spawn(async move { f(request).await }).into()
    }

    fn is_leaf(&self) -> bool {
        true
    }
}
