//! [`Tree`]: a resource whose children were put there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use http::StatusCode;

use crate::{Answer, Request, Resource};

/// A place with named children and perhaps a page of its own. A clone is the same place: children can be put in
/// while it serves.
///
/// # Example
/// ```
/// use ropewalk_web::{Tree, page};
/// let root = Tree::new().with_index(page(|_| "home")).with_child("about", page(|_| "about us"));
/// root.put_child("news", page(|_| "nothing new"));
/// ```
#[derive(Clone, Default)]
pub struct Tree(Rc<Branch>);

#[derive(Default)]
struct Branch {
    index: RefCell<Option<Rc<dyn Resource>>>,
    children: RefCell<BTreeMap<String, Rc<dyn Resource>>>,
}

impl Tree {
    /// A place with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a page of its own.
    #[must_use]
    pub fn with_index(self, resource: impl Resource) -> Self {
        self.0.index.replace(Some(Rc::new(resource)));
        self
    }

    /// With a child.
    #[must_use]
    pub fn with_child(self, name: &str, resource: impl Resource) -> Self {
        self.put_child(name, resource);
        self
    }

    /// Puts a child in, in place of the one of that name.
    pub fn put_child(&self, name: &str, resource: impl Resource) {
        let before = self.0.children.borrow_mut().insert(name.to_owned(), Rc::new(resource));
        drop(before);
    }

    /// Takes a child out.
    pub fn remove_child(&self, name: &str) -> Option<Rc<dyn Resource>> {
        self.0.children.borrow_mut().remove(name)
    }
}

impl Resource for Tree {
    fn render(&self, request: &Request) -> Answer {
        let index = self.0.index.borrow().clone();
        index.map_or(Answer::Status(StatusCode::NOT_FOUND), |index| index.render(request))
    }

    fn child(&self, segment: &str, _: &Request) -> Option<Rc<dyn Resource>> {
        self.0.children.borrow().get(segment).cloned()
    }
}
