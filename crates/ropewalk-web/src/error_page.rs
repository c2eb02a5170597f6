//! The page for a status that a resource gave without one.

use http::StatusCode;
use ropewalk_http::Content;

use crate::Request;
use crate::html::escaped;

/// A page that says what the status means, and the request's number, by which it is found in the log.
pub(crate) fn error_page(request: &Request, status: StatusCode) -> Content {
    let name = status.canonical_reason().unwrap_or("Error");
    let code = status.as_u16();
    let (method, path) = (escaped(request.method().as_str()), escaped(request.path()));
    let id = request.id();
    format!(
        "<!doctype html>\n<html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <title>{code} {name}</title>{STYLE}\
         <main><h1>{code} <small>{name}</small></h1><p><code>{method} {path}</code>\
         <p class=quiet>request {id}</main></html>\n"
    )
    .into()
}

/// What all pages that the framework makes look like.
pub(crate) const STYLE: &str = "<style>\
    :root{color-scheme:light dark;--quiet:#777;--line:#8884;--link:#06c}\
    @media(prefers-color-scheme:dark){:root{--quiet:#999;--link:#6af}}\
    body{font:16px/1.5 system-ui,sans-serif;margin:0}\
    main{max-width:60rem;margin:0 auto;padding:2rem 1rem}\
    h1{font-size:1.5rem;font-weight:600;overflow-wrap:anywhere}small{font-weight:400;color:var(--quiet)}\
    a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}\
    code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}.quiet{color:var(--quiet)}\
    table{border-collapse:collapse;width:100%}td,th{padding:.35rem .5rem;text-align:left;\
    border-bottom:1px solid var(--line)}td:nth-child(n+2),th:nth-child(n+2){text-align:right;\
    white-space:nowrap;color:var(--quiet)}td:first-child{overflow-wrap:anywhere}\
    </style>";
