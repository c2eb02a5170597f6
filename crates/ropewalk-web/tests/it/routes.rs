//! How a request finds its resource, and what it may answer.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use ropewalk_core::{Deferred, Failure, FailureKind, defer_later};
use ropewalk_http::Content;
use ropewalk_web::{
    Answer, Moved, Request, Resource, Router, Tree, VirtualHosts, page, page_async,
};

use crate::rig::{ask, body, get, send, site, status};

#[test]
fn a_tree_is_walked_by_the_segments_of_a_path() {
    struct Numbers(u32);
    impl Resource for Numbers {
        fn render(&self, _: &Request) -> Answer {
            self.0.to_string().into()
        }
        fn child(&self, segment: &str, _: &Request) -> Option<Rc<dyn Resource>> {
            let number: u32 = segment.parse().ok()?;
            Some(Rc::new(Self(self.0 + number)))
        }
    }
    let leaf = page(|request: &Request| format!("{}|{}", request.base(), request.rest()));
    let site = site(
        Tree::new()
            .with_index(page(|_| "home"))
            .with_child("sum", Numbers(0))
            .with_child("a b", leaf)
            .with_child("deep", Tree::new().with_child("er", page(|_| "deeper"))),
    );
    for (path, text) in [
        ("/", "home"),
        ("/?x", "home"),
        ("/sum/1/2/3", "6"),
        ("/sum/", "0"),
        ("/a%20b/c%2Fd/e?f", "/a%20b|c%2Fd/e"),
        ("/a%20b", "/a%20b|"),
        ("/deep/er", "deeper"),
    ] {
        assert_eq!(body(&get(&site, path)), text, "{path}");
    }
    for path in ["/nothing", "/sum/x", "/deep", "/deep/er2", "//"] {
        let answer = get(&site, path);
        assert!(path == "//" || status(&answer) == 404, "{path}: {answer}");
    }
}

#[test]
fn a_router_chooses_by_path_and_method() {
    let all = page(|request: &Request| {
        format!("{:?} {} {}", request.param("rest"), request.base(), request.rest())
    });
    let router = Router::new()
        .get("/", page(|_| "home"))
        .get("/users/{id}", page(|request: &Request| request.param("id").unwrap_or_default()))
        .delete("/users/{id}", page(|_| StatusCode::NO_CONTENT))
        .any("/all/{*rest}", all);
    let site = site(Tree::new().with_child("api", router));
    assert_eq!(body(&get(&site, "/api")), "home");
    assert_eq!(body(&get(&site, "/api/users/7%2F8")), "7/8");
    assert_eq!(status(&ask(&site, "DELETE", "/api/users/7", "")), 204);
    assert_eq!(status(&ask(&site, "HEAD", "/api/users/7", "")), 200);
    let refused = ask(&site, "PATCH", "/api/users/7", "");
    assert_eq!(status(&refused), 405);
    assert!(refused.contains("Allow: GET, DELETE, HEAD, OPTIONS\r\n"), "{refused}");
    assert_eq!(status(&ask(&site, "OPTIONS", "/api/users/7", "")), 204);
    assert_eq!(body(&ask(&site, "PUT", "/api/all/x/y", "")), "Some(\"x/y\") /api/all x/y");
    assert_eq!(status(&get(&site, "/api/users")), 404);
}

#[test]
fn hosts_have_their_own_sites() {
    let site = site(
        VirtualHosts::new()
            .with_host("a.example", page(|_| "a"))
            .with_host("*.a.example", page(|_| "below a"))
            .with_host("[::1]", page(|_| "six"))
            .with_host("old.example", Moved::to("http://new.example/")),
    );
    let from = |host: &str| send(&site, &format!("GET /x?y HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for (host, text) in [
        ("a.example", "a"),
        ("A.Example:8080", "a"),
        ("a.example.", "a"),
        ("b.c.a.example", "below a"),
        ("[::1]:80", "six"),
    ] {
        assert_eq!(body(&from(host)), text, "{host}");
    }
    assert_eq!(status(&from("other.example")), 404);
    assert!(from("old.example").contains("Location: http://new.example/x?y\r\n"));
}

#[test]
fn an_answer_may_be_anything_that_can_be_one() {
    let later = page(|request: &Request| {
        let reactor = request.transport().reactor().clone();
        defer_later(&reactor, Duration::from_secs(1), || Ok("later"))
    });
    let router = Router::new()
        .get("/text", page(|_| "text"))
        .get("/bytes", page(|_| vec![b'x'; 3]))
        .get("/status", page(|_| StatusCode::IM_A_TEAPOT))
        .get("/both", page(|_| (StatusCode::ACCEPTED, "both")))
        .get(
            "/typed",
            page(|request: &Request| {
                request.set_header(http::header::CONTENT_TYPE, "text/plain");
                "typed"
            }),
        )
        .get("/nested", page(|_| Deferred::succeed(Deferred::succeed("nested"))))
        .get("/later", later)
        .get(
            "/fails",
            page(|_| Deferred::<&'static str>::fail(Failure::new(FailureKind::Local, "secret"))),
        )
        .get("/panics", page(|_| -> &'static str { panic!("on purpose") }))
        .get("/moves", page(|request: &Request| request.redirect("/text")))
        .get(
            "/async",
            page_async(async |request: Request| {
                let reactor = request.transport().reactor().clone();
                defer_later(&reactor, Duration::from_secs(1), || ()).await?;
                Ok::<_, Failure>((StatusCode::CREATED, "made"))
            }),
        );
    let site = site(router);
    for (path, code, text) in [
        ("/text", 200, "text"),
        ("/bytes", 200, "xxx"),
        ("/both", 202, "both"),
        ("/typed", 200, "typed"),
        ("/nested", 200, "nested"),
    ] {
        let answer = get(&site, path);
        assert_eq!((status(&answer), body(&answer)), (code, text), "{path}");
    }
    assert!(get(&site, "/text").contains("Content-Type: text/html; charset=utf-8\r\n"));
    assert!(get(&site, "/typed").contains("Content-Type: text/plain\r\n"));
    assert!(get(&site, "/moves").contains("Location: /text\r\n"));
    let teapot = get(&site, "/status");
    assert!(status(&teapot) == 418 && body(&teapot).contains("teapot"));
    for path in ["/fails", "/panics"] {
        let answer = get(&site, path);
        assert_eq!(status(&answer), 500, "{path}");
        assert!(!answer.contains("secret") && !answer.contains("purpose"));
    }
    for (path, text) in [("/later", "later"), ("/async", "made")] {
        assert_eq!(get(&site, path), "");
        let before = site.written().len();
        site.advance(Duration::from_secs(2));
        assert!(site.written()[before..].ends_with(text.as_bytes()));
    }
}

#[test]
fn error_pages_can_be_ones_own() {
    let mut own = ropewalk_web::Site::new(Tree::new());
    own.error_page = Rc::new(|request: &Request, status: StatusCode| {
        request.set_header(http::header::CONTENT_TYPE, "application/json");
        Content::from(format!("{{\"code\":{}}}", status.as_u16()))
    });
    let site = ropewalk_testing::Conversation::new(own.into_factory());
    let answer = get(&site, "/nowhere<script>");
    assert!(answer.contains("Content-Type: application/json\r\n"));
    assert_eq!(body(&answer), "{\"code\":404}");
    let plain = crate::rig::site(Tree::new());
    let answer = get(&plain, "/nowhere<script>");
    assert!(answer.contains("&lt;script&gt;") && !answer.contains("<script>"));
}

#[test]
fn a_request_can_be_kept_and_its_client_may_leave() {
    #[derive(Clone, Default)]
    struct Room(Rc<RefCell<Vec<Request>>>, Rc<RefCell<u32>>);
    impl Resource for Room {
        fn render(&self, request: &Request) -> Answer {
            let left = self.1.clone();
            let gone = request.notify_finish().add_errback(move |_| {
                *left.borrow_mut() += 1;
            });
            drop(gone);
            self.0.borrow_mut().push(request.clone());
            Answer::NotDoneYet
        }
    }
    let room = Room::default();
    let site = site(room.clone());
    assert_eq!(get(&site, "/"), "");
    let request = room.0.borrow_mut().remove(0);
    request.finish_with("news");
    site.feed(b"");
    assert!(site.written().ends_with(b"news"));
    get(&site, "/");
    site.reset_peer();
    assert_eq!(*room.1.borrow(), 1);
}

#[test]
fn a_lost_connection_cancels_the_work_on_its_answer() {
    struct NoteDrop(Rc<RefCell<bool>>);
    impl Drop for NoteDrop {
        fn drop(&mut self) {
            *self.0.borrow_mut() = true;
        }
    }
    let dropped = Rc::new(RefCell::new(false));
    let noted = dropped.clone();
    let site = site(page_async(async move |request: Request| {
        let _note = NoteDrop(noted.clone());
        let reactor = request.transport().reactor().clone();
        defer_later(&reactor, Duration::from_secs(100), || ()).await?;
        Ok::<_, Failure>("never")
    }));
    get(&site, "/");
    site.reset_peer();
    site.advance(Duration::from_secs(1));
    assert!(*dropped.borrow());
}

#[test]
fn what_a_request_carries_can_be_asked_for() {
    let site = site(page(|request: &Request| {
        format!(
            "{:?} {:?} {:?} {}",
            request.query_value("a"),
            request.query_value("none"),
            request.cookie("c"),
            request.is_same_origin()
        )
    }));
    let answer =
        ask(&site, "GET", "/?b=1&a=x+y%21&a=2", "Cookie: a=1; c=\"2\"\r\nOrigin: http://x\r\n");
    assert_eq!(body(&answer), "Some(\"x y!\") None Some(\"2\") true");
    let foreign = ask(&site, "POST", "/", "Origin: http://evil\r\n");
    assert!(body(&foreign).ends_with("false"));
    let hidden = ask(&site, "POST", "/", "Sec-Fetch-Site: cross-site\r\n");
    assert!(body(&hidden).ends_with("false"));
}

#[test]
fn a_router_leads_into_trees() {
    let tree = Tree::new().with_index(page(|_| "index")).with_child("leaf", page(|_| "leaf"));
    let router = Router::new().any("/tree/{*rest}", tree.clone()).otherwise(tree);
    let site = site(router);
    assert_eq!(body(&get(&site, "/tree/leaf")), "leaf");
    assert_eq!(status(&get(&site, "/tree/none")), 404);
    assert_eq!(body(&get(&site, "/leaf")), "leaf");
    assert_eq!(body(&get(&site, "/")), "index");
}

#[test]
fn a_host_is_not_chosen_by_a_url_in_the_query() {
    let hosts = VirtualHosts::new().with_host("a", page(|_| "a")).with_host("b", page(|_| "b"));
    let site = site(hosts);
    assert_eq!(body(&send(&site, "GET /?x=http://b/ HTTP/1.1\r\nHost: a\r\n\r\n")), "a");
}
