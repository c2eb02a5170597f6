//! [`Order`]: which entry of a cache has not been used for the longest.

use crate::slab::Key;

/// Keys in the order of their last use: a list whose links are in a table, by the key's place.
#[derive(Default)]
pub(crate) struct Order {
    links: Vec<Link>,
    oldest: Option<Key>,
    newest: Option<Key>,
}

#[derive(Clone, Copy, Default)]
struct Link {
    older: Option<Key>,
    newer: Option<Key>,
}

impl Order {
    /// A key is new, and so used now.
    pub(crate) fn push(&mut self, key: Key) {
        if self.links.len() <= key.place() {
            self.links.resize(key.place() + 1, Link::default());
        }
        self.links[key.place()] = Link { older: self.newest, newer: None };
        match self.newest {
            Some(before) => self.links[before.place()].newer = Some(key),
            None => self.oldest = Some(key),
        }
        self.newest = Some(key);
    }

    /// A key that is there is used now.
    pub(crate) fn used(&mut self, key: Key) {
        if self.newest != Some(key) {
            self.remove(key);
            self.push(key);
        }
    }

    /// A key that is there is there no more.
    pub(crate) fn remove(&mut self, key: Key) {
        let Link { older, newer } = std::mem::take(&mut self.links[key.place()]);
        match older {
            Some(older) => self.links[older.place()].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.links[newer.place()].older = older,
            None => self.newest = older,
        }
    }

    pub(crate) fn oldest(&self) -> Option<Key> {
        self.oldest
    }
}
