//! [`Filter`]: changes an answer on its way out, whoever writes it and however.

use http::{HeaderName, Method, StatusCode};

use crate::reply::Reply;

/// Stands between an answer and its connection: compression is one.
pub trait Filter: 'static {
    /// The head is about to be sent; `length` is that of the body, if it is known. With `true` the body passes
    /// through the filter, and its length is counted anew; with `false` the filter is dropped.
    fn begin(&mut self, method: &Method, head: &mut ReplyHead<'_>, length: Option<u64>) -> bool;

    /// Appends to `out` what becomes of a piece of the body. What it keeps back, a client waits for.
    fn write(&mut self, data: &[u8], out: &mut Vec<u8>);

    /// Appends what is still to come at the end of the body.
    fn finish(&mut self, out: &mut Vec<u8>);
}

/// The head of an answer that is about to be sent.
pub struct ReplyHead<'a>(pub(crate) &'a mut Reply);

impl ReplyHead<'_> {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The value of the first field of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        self.0.get(name)
    }

    /// Sets a field in place of those that have its name.
    pub fn set(&mut self, name: &HeaderName, value: &[u8]) {
        self.0.remove(name);
        self.0.append(name, value);
    }

    /// Adds a field.
    pub fn append(&mut self, name: &HeaderName, value: &[u8]) {
        self.0.append(name, value);
    }

    /// Takes out every field of that name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.remove(name);
    }
}
