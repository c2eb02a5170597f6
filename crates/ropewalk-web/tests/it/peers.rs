//! Sites, asked by curl: what another implementation makes of our challenges, forms, cookies and events.

use std::process::Command;

use ropewalk_core::Failure;
use ropewalk_web::{
    BasicAuth, DigestAuth, EventStream, Form, FormLimits, Request, Router, Sessions, SigningKey,
    Tree, page, page_async,
};

use crate::rig::{TempDir, World, has};

/// What curl writes; it runs on a thread of the pool while the loop serves it.
fn curl(world: &World, arguments: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--http1.1", "-sS", "-m", "60"]).args(arguments);
    let ran = world.pool.defer_to_thread(move || Ok(curl.output()?));
    let output = world.run(ran).expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn curl_proves_who_it_is() {
    if !has("curl_proves_who_it_is", "curl") {
        return;
    }
    let world = World::new();
    let who = || {
        page(|request: &Request| {
            format!("{} {}", request.user().unwrap_or_default(), request.method())
        })
    };
    let check = |user: &str, password: &str| (user, password) == ("ann", "se:cret");
    let password_of = |user: &str| (user == "ann").then(|| "se:cret".to_owned());
    let url =
        world.serve(Tree::new().with_child("basic", BasicAuth::new("b", check, who())).with_child(
            "digest",
            DigestAuth::new("d", password_of, who()).expect("random numbers"),
        ));
    let (basic, digest) = (format!("{url}/basic"), format!("{url}/digest/x?y=z"));
    assert_eq!(curl(&world, &["-u", "ann:se:cret", &basic]), "ann GET");
    assert_eq!(curl(&world, &["--digest", "-u", "ann:se:cret", &digest]), "ann GET");
    assert_eq!(curl(&world, &["--digest", "-u", "ann:se:cret", "-d", "x=1", &digest]), "ann POST");
    assert_eq!(
        curl(&world, &["--digest", "-u", "ann:se:cret", &digest, &digest]),
        "ann GETann GET"
    );
    let code = ["-o", "/dev/null", "-w", "%{http_code}"];
    for arguments in [["-u", "ann:wrong", &basic], ["-u", "bob:se:cret", &basic]] {
        assert_eq!(curl(&world, &[&code[..], &arguments[..]].concat()), "401");
    }
    let wrong = ["--digest", "-u", "ann:wrong", digest.as_str()];
    assert_eq!(curl(&world, &[&code[..], &wrong[..]].concat()), "401");
}

#[test]
fn curl_submits_forms_and_keeps_cookies() {
    if !has("curl_submits_forms_and_keeps_cookies", "curl") {
        return;
    }
    let (world, files) = (World::new(), TempDir::new());
    let pool = world.pool.clone();
    let form = page_async(async move |request: Request| {
        let form = Form::read(&request, &pool, FormLimits::default()).await?;
        let files: Vec<String> = form
            .files
            .iter()
            .map(|file| format!("{}={} {}", file.name, file.file_name, file.len))
            .collect();
        Ok::<_, Failure>(format!("{:?} {files:?}", form.fields))
    });
    let sessions = Sessions::new(SigningKey::random().expect("random numbers"));
    let count = page(move |request: &Request| {
        let mut session = sessions.load(request);
        let visits: u32 =
            session.get("visits").and_then(|visits| visits.parse().ok()).unwrap_or(0) + 1;
        session.set("visits", visits.to_string());
        sessions.save(request, &session);
        visits.to_string()
    });
    let url = world.serve(Router::new().post("/form", form).get("/count", count));
    let large = files.write("up load.bin", vec![7; 2_000_000]);
    let upload = format!("f=@{}", large.display());
    let form = format!("{url}/form");
    assert_eq!(curl(&world, &["-d", "a=1 2&b=%26", &form]), r#"[("a", "1 2"), ("b", "&")] []"#);
    let sent = curl(&world, &["-F", "a=x y", "-F", &upload, &form]);
    assert_eq!(sent, r#"[("a", "x y")] ["f=up load.bin 2000000"]"#);
    let jar = files.path().join("cookies").display().to_string();
    for visit in ["1", "2", "3"] {
        assert_eq!(curl(&world, &["-c", &jar, "-b", &jar, &format!("{url}/count")]), visit);
    }
}

#[test]
fn curl_uploads_much_and_hears_events() {
    if !has("curl_uploads_much_and_hears_events", "curl") {
        return;
    }
    let (world, files) = (World::new(), TempDir::new());
    let count = page_async(async |request: Request| {
        let (body, mut total) = (request.take_body(), 0);
        while let Some(piece) = body.next().await? {
            total += piece.len();
        }
        Ok::<_, Failure>(format!("{total} {}", request.header_text("expect").unwrap_or("-")))
    });
    let events = page(|request: &Request| {
        let stream = EventStream::begin(request);
        (1..=3).for_each(|number| stream.send(format!("event {number}")));
        stream.close();
        ropewalk_web::Answer::NotDoneYet
    });
    let url = world.serve(Router::new().any("/count", count).get("/events", events));
    let large = files.path().join("large");
    let file = std::fs::File::create(&large).expect("a file");
    file.set_len(50_000_000).expect("room");
    let (large, count) = (large.display().to_string(), format!("{url}/count"));
    let told = curl(&world, &["-T", &large, "-H", "Expect: 100-continue", &count]);
    assert_eq!(told, "50000000 100-continue");
    assert_eq!(
        curl(&world, &["-T", &large, "-H", "Transfer-Encoding: chunked", "-H", "Expect:", &count]),
        "50000000 -"
    );
    let heard = curl(&world, &["-N", &format!("{url}/events")]);
    assert_eq!(heard, "data: event 1\n\ndata: event 2\n\ndata: event 3\n\n");
}
