//! The files of the page, which are in the program.

use ropewalk_http::header;
use ropewalk_web::Request;

/// One file.
pub(crate) struct PageFile {
    pub(crate) path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// All of them.
pub(crate) const ALL: &[PageFile] = &[
    PageFile { path: "/", kind: HTML, text: include_str!("page/chat.html") },
    PageFile { path: "/chat.css", kind: STYLE, text: include_str!("page/chat.css") },
    PageFile { path: "/chat.js", kind: SCRIPT, text: include_str!("page/chat.js") },
    PageFile { path: "/requests.js", kind: SCRIPT, text: include_str!("page/requests.js") },
    PageFile { path: "/rooms.js", kind: SCRIPT, text: include_str!("page/rooms.js") },
    PageFile { path: "/show.js", kind: SCRIPT, text: include_str!("page/show.js") },
    PageFile { path: "/favicon.svg", kind: PICTURE, text: include_str!("page/favicon.svg") },
];

/// What keeps a page to itself: nothing from elsewhere is loaded, and nobody frames it.
const POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

impl PageFile {
    /// Its text, with what a browser has to know of it.
    pub(crate) fn show(&self, request: &Request) -> &'static str {
        request.set_header(header::CONTENT_TYPE, self.kind);
        request.set_header(header::CACHE_CONTROL, "no-cache"); // Another version may come at any time.
        request.set_header(header::CONTENT_SECURITY_POLICY, POLICY);
        request.set_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        request.set_header(header::REFERRER_POLICY, "no-referrer");
        self.text
    }
}
