//! The page that shows what is in a directory.

use std::fmt::Write as _;
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ropewalk_net::DirectoryEntry;

use crate::error_page::STYLE;
use crate::html::escaped;

/// What stands in a segment of a path as it is.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+').remove(b'@');

/// The page for the directory at `path`, which is as people read it.
pub(crate) fn page(path: &str, mut entries: Vec<DirectoryEntry>) -> String {
    entries.sort_by_cached_key(|entry| {
        (!entry.info.is_directory, entry.name.to_string_lossy().to_lowercase())
    });
    let title = escaped(path);
    let mut page = format!(
        "<!doctype html>\n<html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <title>{title}</title>{STYLE}<main><h1>{title}</h1>\n\
         <table><thead><tr><th>Name<th>Size<th>Changed<tbody>\n"
    );
    if path != "/" {
        page.push_str("<tr><td><a href='../'>../</a><td><td>\n");
    }
    for entry in entries.iter().filter(|entry| !is_hidden(entry)) {
        put_row(&mut page, entry);
    }
    page.push_str("</table></main></html>\n");
    page
}

/// Names that begin with a dot are not for visitors.
pub(crate) fn is_hidden(entry: &DirectoryEntry) -> bool {
    entry.name.as_encoded_bytes().starts_with(b".")
}

fn put_row(page: &mut String, entry: &DirectoryEntry) {
    let name = entry.name.to_string_lossy();
    let slash = if entry.info.is_directory { "/" } else { "" };
    // With "./" before it, a name with a colon is no scheme.
    let link = utf8_percent_encode(&name, SEGMENT);
    let size = if entry.info.is_directory { String::new() } else { size_text(entry.info.len) };
    let (name, changed) = (escaped(&name), changed_text(entry.info.modified));
    let _ = writeln!(
        page,
        "<tr><td><a href='./{link}{slash}'>{name}{slash}</a><td>{size}<td>{changed}"
    );
}

fn size_text(bytes: u64) -> String {
    const UNITS: &[&str] = &["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut scale, mut unit) = (1_000, 0);
    while bytes / scale >= 1_000 && unit + 1 < UNITS.len() {
        scale *= 1_000;
        unit += 1;
    }
    let tenths = bytes / (scale / 10);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `06 Nov 1994 08:49`.
fn changed_text(at: SystemTime) -> String {
    httpdate::fmt_http_date(at).get(5..22).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_550_000, "1.5 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
