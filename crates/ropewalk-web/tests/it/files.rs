//! Static files over a real socket.

use std::os::unix::fs::symlink;

use ropewalk_http::Method;
use ropewalk_net::{Directory, Symlinks};
use ropewalk_web::{Files, FilesOptions, Tree};

use crate::rig::{TempDir, World};

fn tree() -> TempDir {
    let tree = TempDir::new();
    tree.write("hello.txt", "hello world");
    tree.write("empty", "");
    tree.write("page/index.html", "<h1>index</h1>");
    tree.write("list/a <b>&'.txt", "x");
    tree.write("list/sub/x", "x");
    tree.write("list/.hidden", "x");
    tree.write(".secret", "x");
    tree.write(".well-known/x", "known");
    tree.write("app.js", "plain script");
    tree.write("app.js.gz", "gzipped script");
    tree.write("app.js.br", "brotli script");
    symlink("/etc/passwd", tree.path().join("out")).expect("a link");
    tree
}

fn serve(world: &World, tree: &TempDir, options: FilesOptions) -> String {
    let directory =
        Directory::open(&world.pool, tree.path(), Symlinks::Within).expect("a directory");
    let files = Files::with_options(directory, options);
    world.serve(Tree::new().with_child("f", files))
}

#[test]
fn files_have_types_and_directories_an_index_or_a_list() {
    let (world, tree) = (World::new(), tree());
    let url = serve(&world, &tree, FilesOptions { listing: true, ..FilesOptions::default() });
    let response = world.ask(Method::GET, &format!("{url}/f/hello.txt"), &[]);
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("content-length"), Some("11"));
    assert_eq!(world.read(response).1, "hello world");
    assert_eq!(world.get(&format!("{url}/f/empty")), (200, String::new()));
    assert_eq!(world.get(&format!("{url}/f/page/")).1, "<h1>index</h1>");
    let moved = world.ask(Method::GET, &format!("{url}/f/page?x=y"), &[]);
    assert_eq!((moved.status.as_u16(), moved.header("location")), (301, Some("/f/page/?x=y")));
    let (_, list) = world.get(&format!("{url}/f/list/"));
    assert!(
        list.contains("href='./a%20%3Cb%3E%26%27.txt'>a &lt;b&gt;&amp;&#39;.txt</a>"),
        "{list}"
    );
    assert!(list.contains("href='./sub/'") && !list.contains("hidden"));
    let (_, list) = world.get(&format!("{url}/f/"));
    assert!(!list.contains("passwd") && !list.contains("out"), "{list}");
    let closed = serve(&world, &tree, FilesOptions::default());
    assert_eq!(world.get(&format!("{closed}/f/list/")).0, 403);
}

#[test]
fn nothing_outside_or_hidden_is_reached() {
    let (world, tree) = (World::new(), tree());
    let url = serve(&world, &tree, FilesOptions::default());
    for path in [
        "nothing",
        "../f/hello.txt",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "out",
        ".secret",
        "list/.hidden",
        "hello.txt/",
        "hello.txt/x",
        "a%00b",
        "%5c..%5c",
        "list/..%2fhello.txt",
    ] {
        assert_eq!(world.get(&format!("{url}/f/{path}")).0, 404, "{path}");
    }
    assert_eq!(world.get(&format!("{url}/f/.well-known/x")), (200, "known".to_owned()));
    let long = "x".repeat(5000);
    assert_eq!(world.get(&format!("{url}/f/{long}")).0, 404);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(world.ask(method, &format!("{url}/f/hello.txt"), &[]).status, 405);
    }
}

#[test]
fn ranges_one_and_many() {
    let (world, tree) = (World::new(), tree());
    let url = format!("{}/f/hello.txt", serve(&world, &tree, FilesOptions::default()));
    let with = |range: &str| world.ask(Method::GET, &url, &[("range", range)]);
    for (range, content_range, text) in [
        ("bytes=0-4", "bytes 0-4/11", "hello"),
        ("bytes=-5", "bytes 6-10/11", "world"),
        ("bytes=6-", "bytes 6-10/11", "world"),
        ("bytes=10-999", "bytes 10-10/11", "d"),
    ] {
        let response = with(range);
        assert_eq!(response.header("content-range"), Some(content_range), "{range}");
        assert_eq!(world.read(response), (206, text.to_owned()));
    }
    let response = with("bytes=20-");
    assert_eq!(
        (response.status.as_u16(), response.header("content-range")),
        (416, Some("bytes */11"))
    );
    let response = with("bytes=0-1,9-10");
    let kind = response.header("content-type").unwrap_or_default().to_owned();
    let boundary =
        kind.strip_prefix("multipart/byteranges; boundary=").expect("its type").to_owned();
    let len: usize =
        response.header("content-length").and_then(|len| len.parse().ok()).expect("a length");
    let (status, body) = world.read(response);
    assert_eq!((status, body.len()), (206, len));
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert!(parts[1].ends_with("Content-Range: bytes 0-1/11\r\n\r\nhe\r\n"), "{body}");
    assert!(
        parts[2].ends_with("Content-Range: bytes 9-10/11\r\n\r\nld\r\n") && parts[3] == "--\r\n"
    );
    assert_eq!(world.read(with("bytes=5-2")).0, 200);
    let head = world.ask(Method::HEAD, &url, &[("range", "bytes=0-4")]);
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, Some("11")));
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    let (world, tree) = (World::new(), tree());
    let url = format!("{}/f/hello.txt", serve(&world, &tree, FilesOptions::default()));
    let first = world.ask(Method::GET, &url, &[]);
    let etag = first.header("etag").expect("a tag").to_owned();
    let modified = first.header("last-modified").expect("a date").to_owned();
    let (past, future) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2194 08:49:37 GMT");
    let weak = format!("W/{etag}");
    for (fields, status) in [
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", &weak)], 304),
        (vec![("if-none-match", "\"other\", *")], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-none-match", "\"other\""), ("if-modified-since", &modified)], 200),
        (vec![("if-modified-since", &modified)], 304),
        (vec![("if-modified-since", past)], 200),
        (vec![("if-modified-since", "nonsense")], 200),
        (vec![("if-match", &etag)], 200),
        (vec![("if-match", &weak)], 412),
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-unmodified-since", past)], 412),
        (vec![("if-unmodified-since", future)], 200),
        (vec![("range", "bytes=0-4"), ("if-range", &etag)], 206),
        (vec![("range", "bytes=0-4"), ("if-range", &weak)], 200),
        (vec![("range", "bytes=0-4"), ("if-range", "\"other\"")], 200),
        (vec![("range", "bytes=0-4"), ("if-range", &modified)], 206),
        (vec![("range", "bytes=0-4"), ("if-range", past)], 200),
    ] {
        let response = world.ask(Method::GET, &url, &fields);
        assert_eq!(response.status.as_u16(), status, "{fields:?}");
        if status == 304 {
            assert_eq!(response.header("etag"), Some(etag.as_str()));
            assert_eq!(response.header("content-type"), None);
        }
    }
}

#[test]
fn a_smaller_sibling_is_sent_to_those_who_take_it() {
    let (world, tree) = (World::new(), tree());
    let url = format!("{}/f/app.js", serve(&world, &tree, FilesOptions::default()));
    for (accepted, coding, text) in [
        ("gzip, br", Some("br"), "brotli script"),
        ("gzip", Some("gzip"), "gzipped script"),
        ("br;q=0, gzip", Some("gzip"), "gzipped script"),
        ("deflate", None, "plain script"),
    ] {
        let response = world.ask(Method::GET, &url, &[("accept-encoding", accepted)]);
        assert_eq!(response.header("content-encoding"), coding, "{accepted}");
        assert_eq!(response.header("vary"), Some("Accept-Encoding"), "a cache asks again");
        assert!(response.header("content-type").is_some_and(|kind| kind.contains("javascript")));
        assert_eq!(world.read(response).1, text);
    }
}

#[test]
fn a_large_file_comes_whole_and_a_client_may_leave() {
    let (world, tree) = (World::new(), tree());
    let large: Vec<u8> = (0..20_000_000u32).map(|n| (n % 253) as u8).collect();
    tree.write("large", &large);
    let url = format!("{}/f/large", serve(&world, &tree, FilesOptions::default()));
    let response = world.ask(Method::GET, &url, &[]);
    assert!(world.run(response.collect(64 << 20)).expect("a body") == large);
    drop(world.ask(Method::GET, &url, &[]));
    let response = world.ask(Method::GET, &url, &[("range", "bytes=19999999-")]);
    assert_eq!(world.run(response.collect(10)).expect("a body")[..], large[19_999_999..]);
}

#[test]
fn any_range_of_an_empty_file_is_all_of_it() {
    let (world, tree) = (World::new(), tree());
    tree.write("empty.txt", "");
    let url = format!("{}/f/empty.txt", serve(&world, &tree, FilesOptions::default()));
    for range in ["bytes=0-", "bytes=-5", "bytes=0-99"] {
        let response = world.ask(Method::GET, &url, &[("range", range)]);
        assert_eq!(world.read(response), (200, String::new()), "{range}");
    }
}
