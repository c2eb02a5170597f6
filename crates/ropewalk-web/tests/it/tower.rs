//! Services that were made for another runtime: an axum router.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query};
use axum::routing::{get as on_get, post as on_post};
use ropewalk_http::{Ask, Method};
use ropewalk_web::{TowerResource, Tree};

use crate::rig::{World, body, get, send, site, status};

fn router() -> axum::Router {
    axum::Router::new()
        .route("/hello/{name}", on_get(async |Path(name): Path<String>| format!("hello {name}")))
        .route(
            "/query",
            on_get(async |Query(pairs): Query<HashMap<String, String>>| pairs["a"].clone()),
        )
        .route(
            "/sum",
            on_post(async |Json(numbers): Json<Vec<i64>>| Json(numbers.iter().sum::<i64>())),
        )
        .route("/echo", on_post(async |body: axum::body::Body| body))
}

#[test]
fn an_axum_router_answers() {
    let site = site(Tree::new().with_child("axum", TowerResource::new(router())));
    assert_eq!(body(&get(&site, "/axum/hello/you")), "hello you");
    assert_eq!(body(&get(&site, "/axum/query?a=b%20c")), "b c");
    assert_eq!(status(&get(&site, "/axum/nowhere")), 404);
    assert_eq!(status(&get(&site, "/axum/sum")), 405);
    let post = |path: &str, kind: &str, text: &str| {
        let len = text.len();
        send(
            &site,
            &format!(
                "POST /axum/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\r\n{text}"
            ),
        )
    };
    assert_eq!(body(&post("sum", "application/json", "[1,2,3]")), "6");
    assert_eq!(status(&post("sum", "application/json", "[1,")), 400);
}

#[test]
fn a_long_body_goes_through_both_ways() {
    let world = World::new();
    let url = world.serve(TowerResource::new(router()));
    let mut ask = Ask::new(Method::POST, &format!("{url}/echo")).expect("a URL");
    ask.content = vec![b'x'; 3_000_000].into();
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    assert_eq!(response.header("content-length"), Some("3000000"));
    assert_eq!(world.read(response).1.len(), 3_000_000);
}

#[test]
fn a_body_that_a_service_does_not_read_is_in_nobodys_way() {
    let ignoring = axum::Router::new().route("/", on_post(async || "not read"));
    let site = site(TowerResource::new(ignoring));
    for _ in 0..3 {
        let answer = send(&site, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(body(&answer), "not read");
    }
}
