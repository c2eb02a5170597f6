//! A web framework on Ropewalk: Twisted's tree of resources, and what one expects of a framework around it.
//!
//! # Hello
//! ```no_run
//! use ropewalk_web::{Request, Router, Site, page};
//!
//! let router = Router::new()
//!     .get("/", page(|_| "<h1>It works</h1>"))
//!     .get("/hello/{name}", page(|request: &Request| format!("Hello {}", request.param("name").unwrap())));
//! let factory = Site::new(router).into_factory();
//! # let _: &dyn ropewalk_core::AnyFactory = &factory; // ropewalk::listen(reactor, "tcp:8080", factory)
//! ```
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | how a request finds its answer | `resource.rs`, `answer.rs`, `request.rs`, `site.rs` |
//! | what there is to put in a site | `tree.rs`, `router.rs`, `files.rs`, `virtual_hosts.rs`, `reverse_proxy.rs`, `cgi.rs`, `tower.rs` |
//! | what pages need | `form.rs`, `sessions.rs`, `templates.rs`, `events.rs` |
//! | what goes around it | `auth.rs`, `compression.rs`, `access_log.rs`, `error_page.rs` |
#![forbid(unsafe_code)]

mod access_log;
mod answer;
mod auth;
mod cgi;
mod compression;
mod conditions;
mod error_page;
mod events;
mod file_body;
mod files;
mod form;
mod form_error;
/// Text in HTML.
pub mod html;
mod listing;
mod multipart;
/// Queries, and forms that are written like them.
pub mod query;
mod ranges;
mod relay;
mod request;
mod resource;
mod reverse_proxy;
mod router;
mod sessions;
mod signing;
mod site;
mod templates;
mod tower;
mod tree;
mod virtual_hosts;

pub use access_log::{AccessLog, AccessLogForm};
pub use answer::Answer;
pub use auth::{BasicAuth, DigestAuth};
pub use cgi::{Cgi, CgiOptions};
pub use compression::Compression;
pub use events::{EventStream, ServerEvent};
pub use files::{Files, FilesOptions, Moved};
pub use form::{Form, FormLimits, Upload};
pub use form_error::FormError;
pub use request::Request;
pub use resource::{AsyncPage, Page, Resource, page, page_async};
pub use reverse_proxy::ReverseProxy;
pub use router::Router;
pub use sessions::{Session, Sessions};
pub use signing::SigningKey;
pub use site::Site;
pub use templates::Templates;
pub use tower::{TowerBody, TowerResource};
pub use tree::Tree;
pub use virtual_hosts::VirtualHosts;
