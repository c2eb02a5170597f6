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
//! | what there is to put in a site | `tree.rs`, `router.rs`, `files.rs` |
//! | what goes around it | `compression.rs`, `access_log.rs`, `error_page.rs` |
#![forbid(unsafe_code)]

mod access_log;
mod answer;
mod compression;
mod conditions;
mod error_page;
mod file_body;
mod files;
/// Text in HTML.
pub mod html;
mod listing;
/// Queries, and forms that are written like them.
pub mod query;
mod ranges;
mod request;
mod resource;
mod router;
mod site;
mod tree;

pub use access_log::{AccessLog, AccessLogForm};
pub use answer::Answer;
pub use compression::Compression;
pub use files::{Files, FilesOptions, Moved};
pub use request::Request;
pub use resource::{AsyncPage, Page, Resource, page, page_async};
pub use router::Router;
pub use site::Site;
pub use tree::Tree;
