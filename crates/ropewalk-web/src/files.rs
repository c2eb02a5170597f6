//! [`Files`]: the files of a directory as a resource.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use http::{HeaderValue, Method, Response, StatusCode};
use ropewalk_core::{Deferred, Failure, FailureKind};
use ropewalk_http::Content;
use ropewalk_net::{Directory, File};

use crate::compression::accepts;
use crate::conditions::{Condition, Validators};
use crate::file_body::{FileBody, Piece};
use crate::ranges::{self, Wanted};
use crate::request::decoded;
use crate::{Answer, Request, Resource, listing};

/// Serves what lies below a [`Directory`]: files with their types, ranges, and conditions; directories by their
/// index, or a list of what is in them. Reads while it sends, so that a file of any size costs a piece of it.
///
/// Nothing outside the directory is reached, whatever the path says; symbolic links lead where the directory's
/// [`Symlinks`](ropewalk_net::Symlinks) say. What begins with a dot is not there, but for `.well-known`.
pub struct Files(Rc<Shared>);

struct Shared {
    directory: Directory,
    options: FilesOptions,
}

/// What [`Files`] shows.
#[derive(Clone, Debug)]
pub struct FilesOptions {
    /// The names that stand for their directory, in the order of preference. Default `index.html`.
    pub index: Vec<String>,
    /// Whether a directory without an index shows a list of what is in it. Default no.
    pub listing: bool,
    /// Whether a sibling with `.br` or `.gz` behind its name is sent to clients that take it compressed.
    /// Default yes.
    pub precompressed: bool,
    /// The value of `Cache-Control`. Default none: a browser then asks whether a file has changed.
    pub cache_control: Option<String>,
}

impl Default for FilesOptions {
    fn default() -> Self {
        Self {
            index: vec!["index.html".to_owned()],
            listing: false,
            precompressed: true,
            cache_control: None,
        }
    }
}

/// The codings of siblings, the smaller first.
const SIBLINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

impl Files {
    /// The files of `directory`.
    pub fn new(directory: Directory) -> Self {
        Self::with_options(directory, FilesOptions::default())
    }

    /// The same, with options of one's own.
    pub fn with_options(directory: Directory, options: FilesOptions) -> Self {
        Self(Rc::new(Shared { directory, options }))
    }
}

impl Resource for Files {
    fn render(&self, request: &Request) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            request.set_header(ALLOW, "GET, HEAD");
            return StatusCode::METHOD_NOT_ALLOWED.into();
        }
        let Some(below) = path_below(request.rest()) else { return StatusCode::NOT_FOUND.into() };
        let (shared, asked) = (self.0.clone(), request.clone());
        let opened = self.0.directory.open_file(&below);
        let answer = opened.add_both(move |opened| match opened {
            Ok(file) if file.info().is_directory => {
                Deferred::succeed(shared.show_directory(&asked, below))
            }
            // A file is no directory, whatever the URL says.
            Ok(_) if asked.path().ends_with('/') => Deferred::succeed(StatusCode::NOT_FOUND.into()),
            Ok(file) => Deferred::succeed(shared.show_file(&asked, below, file)),
            Err(why) => Deferred::from_result(not_there(why)),
        });
        match answer.into_result() {
            Ok(Ok(answer)) => answer, // Mostly: the system had it in memory.
            Ok(Err(why)) => Answer::Later(Box::new(Deferred::fail(why))),
            Err(later) => Answer::Later(Box::new(later)),
        }
    }

    fn is_leaf(&self) -> bool {
        true
    }
}

/// The path that the rest of a URL means; `None` if it can mean none. Each segment is decoded by itself, so that
/// an encoded slash or a dot-dot is a strange name and no step.
fn path_below(rest: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
        let name = decoded(segment);
        let is_hidden = name.starts_with('.') && name != ".well-known";
        if is_hidden || name.contains(['/', '\0']) {
            return None;
        }
        path.push(name);
    }
    Some(path)
}

/// What a visitor is told of a file that cannot be opened.
fn not_there(why: Failure) -> Result<Answer, Failure> {
    match why.check::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
            Ok(StatusCode::NOT_FOUND.into())
        }
        Some(io::ErrorKind::PermissionDenied) => Ok(StatusCode::FORBIDDEN.into()),
        _ if why.is(FailureKind::Limit) => Ok(StatusCode::SERVICE_UNAVAILABLE.into()),
        _ => Err(why),
    }
}

impl Shared {
    /// A directory: to its own URL, then its index, then the list.
    fn show_directory(self: &Rc<Self>, request: &Request, below: PathBuf) -> Answer {
        if !request.path().ends_with('/') {
            let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
            // With one slash at the front: two would name a host.
            let path = request.path().trim_start_matches('/');
            return request
                .redirect_with(StatusCode::MOVED_PERMANENTLY, &format!("/{path}/{query}"));
        }
        let (shared, request) = (self.clone(), request.clone());
        let reactor = request.transport().reactor().clone();
        reactor.spawn(async move { shared.index_of(request, below).await }).into()
    }

    async fn index_of(self: Rc<Self>, request: Request, below: PathBuf) -> Result<Answer, Failure> {
        for name in &self.options.index {
            let path = below.join(name);
            if let Ok(file) = self.directory.open_file(&path).await
                && !file.info().is_directory
            {
                return Ok(self.show_file(&request, path, file));
            }
        }
        if !self.options.listing {
            return Ok(StatusCode::FORBIDDEN.into());
        }
        let entries = self.directory.entries(below).await?;
        Ok(listing::page(&decoded(request.path()), entries).into())
    }

    /// A file, or its smaller sibling.
    fn show_file(self: &Rc<Self>, request: &Request, below: PathBuf, file: File) -> Answer {
        let accepted = request.header_text(ACCEPT_ENCODING.as_str()).unwrap_or_default();
        let wanted: Vec<_> =
            SIBLINGS.iter().filter(|(coding, _)| accepts(accepted, coding)).collect();
        if !self.options.precompressed
            || wanted.is_empty()
            || request.header(RANGE.as_str()).is_some()
        {
            return self.send(request, &below, &file, None);
        }
        let (shared, request) = (self.clone(), request.clone());
        let reactor = request.transport().reactor().clone();
        let sent = reactor.spawn(async move {
            for (coding, ending) in wanted {
                let mut sibling = below.clone().into_os_string();
                sibling.push(ending);
                if let Ok(found) = shared.directory.open_file(sibling).await
                    && !found.info().is_directory
                {
                    return Ok(shared.send(&request, &below, &found, Some(coding)));
                }
            }
            Ok(shared.send(&request, &below, &file, None))
        });
        sent.into()
    }

    fn send(
        &self,
        request: &Request,
        below: &std::path::Path,
        file: &File,
        coding: Option<&str>,
    ) -> Answer {
        let info = file.info();
        let nanos =
            info.modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let etag = format!("\"{:x}-{:x}-{nanos:x}\"", info.inode, info.len);
        let validators = Validators { etag, modified: info.modified };
        request.set_header(ETAG, &validators.etag);
        request.set_header(LAST_MODIFIED, httpdate::fmt_http_date(info.modified));
        if let Some(value) = &self.options.cache_control {
            request.set_header(http::header::CACHE_CONTROL, value);
        }
        if self.options.precompressed {
            // Whichever this is: a cache is to ask again for whoever takes another.
            request.append_header(VARY, "Accept-Encoding");
        }
        match validators.check(request) {
            Condition::NotModified => return StatusCode::NOT_MODIFIED.into(),
            Condition::Failed => return StatusCode::PRECONDITION_FAILED.into(),
            Condition::Met => {}
        }
        request.set_header(CONTENT_TYPE, media_type(below));
        if let Some(coding) = coding {
            request.set_header(CONTENT_ENCODING, coding);
        }
        request.set_header(ACCEPT_RANGES, "bytes");
        let range = request.header_text(RANGE.as_str()).filter(|_| {
            *request.method() == Method::GET && validators.is_in_range_condition(request)
        });
        let wanted = range.map_or(Wanted::Whole, |range| ranges::parse(range, info.len));
        answer(request, file, wanted)
    }
}

/// The file, or the parts of it that are wanted.
fn answer(request: &Request, file: &File, wanted: Wanted) -> Answer {
    let len = file.info().len;
    let parts = match wanted {
        Wanted::Whole => {
            let pieces = (len > 0).then_some(Piece::Range(0..len));
            return Content::files(FileBody::new(file.clone(), pieces)).into();
        }
        Wanted::Nothing => {
            request.set_header(CONTENT_RANGE, format!("bytes */{len}"));
            return StatusCode::RANGE_NOT_SATISFIABLE.into();
        }
        Wanted::Parts(parts) => parts,
    };
    request.set_status(StatusCode::PARTIAL_CONTENT);
    if let [range] = &parts[..] {
        let (first, last) = (range.start, range.end - 1);
        request.set_header(CONTENT_RANGE, format!("bytes {first}-{last}/{len}"));
        return Content::files(FileBody::new(file.clone(), [Piece::Range(range.clone())])).into();
    }
    let kind = request.reply_header(&CONTENT_TYPE).unwrap_or_default();
    let kind = String::from_utf8_lossy(&kind).into_owned();
    let boundary = format!("ropewalk-{:x}-{:x}", file.info().inode, request.id());
    let mut pieces = Vec::new();
    for range in parts {
        let (first, last) = (range.start, range.end - 1);
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{len}\r\n\r\n"
        );
        pieces.extend([Piece::Bytes(head.into()), Piece::Range(range)]);
    }
    pieces.push(Piece::Bytes(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    request.set_header(CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    Content::files(FileBody::new(file.clone(), pieces)).into()
}

/// The type of a file by its name; text is UTF-8.
fn media_type(path: &std::path::Path) -> HeaderValue {
    let kind = mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream");
    let is_text = kind.starts_with("text/") || kind == "application/javascript";
    let full = if is_text { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
    HeaderValue::try_from(full).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// A permanent redirect of everything below a place, for hosts and sites that have moved.
pub struct Moved(String);

impl Moved {
    /// To `to`, with what is left of the path behind it.
    pub fn to(to: &str) -> Self {
        Self(to.trim_end_matches('/').to_owned())
    }
}

impl Resource for Moved {
    fn render(&self, request: &Request) -> Answer {
        let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
        let to = format!("{}/{}{query}", self.0, request.rest());
        let response =
            Response::builder().status(StatusCode::MOVED_PERMANENTLY).header(LOCATION, to);
        response.body(()).map_or(StatusCode::BAD_REQUEST.into(), Into::into)
    }

    fn is_leaf(&self) -> bool {
        true
    }
}
