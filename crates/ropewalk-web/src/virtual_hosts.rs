//! [`VirtualHosts`]: another site for each name.

use std::collections::BTreeMap;
use std::rc::Rc;

use http::StatusCode;

use crate::site::render;
use crate::{Answer, Request, Resource};

/// Chooses a resource by the host that was asked for. `*.example.com` stands for all names below `example.com`.
///
/// # Example
/// ```
/// use ropewalk_web::{Tree, VirtualHosts, page};
/// let hosts = VirtualHosts::new()
///     .with_host("example.com", page(|_| "us"))
///     .with_host("*.example.com", page(|_| "our children"))
///     .otherwise(page(|_| "who?"));
/// # let _: &dyn ropewalk_web::Resource = &hosts;
/// ```
#[derive(Default)]
pub struct VirtualHosts {
    hosts: BTreeMap<String, Rc<dyn Resource>>,
    otherwise: Option<Rc<dyn Resource>>,
}

impl VirtualHosts {
    /// No hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `resource` for `host`.
    #[must_use]
    pub fn with_host(mut self, host: &str, resource: impl Resource) -> Self {
        self.hosts.insert(host.to_ascii_lowercase(), Rc::new(resource));
        self
    }

    /// With `resource` for all other hosts, instead of a 404.
    #[must_use]
    pub fn otherwise(mut self, resource: impl Resource) -> Self {
        self.otherwise = Some(Rc::new(resource));
        self
    }

    fn find(&self, host: &str) -> Option<&Rc<dyn Resource>> {
        if let Some(found) = self.hosts.get(host) {
            return Some(found);
        }
        let mut parent = host;
        while let Some((_, above)) = parent.split_once('.') {
            if let Some(found) = self.hosts.get(&format!("*.{above}")) {
                return Some(found);
            }
            parent = above;
        }
        self.otherwise.as_ref()
    }
}

impl Resource for VirtualHosts {
    fn render(&self, request: &Request) -> Answer {
        let authority = request.authority().unwrap_or_default().to_ascii_lowercase();
        let host = match authority.rfind(':') {
            Some(at) if !authority.ends_with(']') => &authority[..at],
            _ => &authority,
        };
        let found = self.find(host.trim_end_matches('.')).cloned();
        found.map_or(StatusCode::NOT_FOUND.into(), |resource| render(resource, request))
    }

    fn is_leaf(&self) -> bool {
        true
    }
}
