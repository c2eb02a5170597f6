//! Forms, with real files behind the long ones.

use ropewalk_core::Failure;
use ropewalk_http::{Ask, Method};
use ropewalk_web::{Form, FormLimits, Request, page_async};

use crate::rig::{TempDir, World};

/// Says what the form had, and saves its files.
fn serve(world: &World, limits: FormLimits, into: &TempDir) -> String {
    let (pool, into) = (world.pool.clone(), into.path().to_owned());
    world.serve(page_async(async move |request: Request| {
        let form = Form::read(&request, &pool, limits).await?;
        let mut text = format!("{:?}", form.fields);
        for file in form.files {
            text.push_str(&format!(
                " {}={} {:?} {}",
                file.name, file.file_name, file.content_type, file.len
            ));
            let path = into.join(&file.file_name);
            file.save(&pool, path).await?;
        }
        Ok::<_, Failure>(text)
    }))
}

fn post(world: &World, url: &str, kind: &str, content: Vec<u8>) -> (u16, String) {
    let mut ask = Ask::new(Method::POST, url).expect("a URL");
    ask.headers.insert("content-type", kind.parse().expect("a type"));
    ask.content = content.into();
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    world.read(response)
}

const MULTIPART: &str = "multipart/form-data; boundary=xyz";

fn multipart(file: &[u8]) -> Vec<u8> {
    let mut body = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 & 2\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"../up.bin\"\r\nContent-Type: x/y\r\n\r\n"
        .to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--xyz--\r\n");
    body
}

#[test]
fn both_kinds_of_forms_are_read() {
    let (world, files) = (World::new(), TempDir::new());
    let url = serve(&world, FormLimits::default(), &files);
    let (_, text) =
        post(&world, &url, "application/x-www-form-urlencoded", b"a=1+2&b=%C3%A9".to_vec());
    assert_eq!(text, r#"[("a", "1 2"), ("b", "é")]"#);
    let (_, text) = post(&world, &url, MULTIPART, multipart(b"short"));
    assert_eq!(text, r#"[("a", "1 & 2")] f=up.bin Some("x/y") 5"#);
    assert_eq!(std::fs::read(files.path().join("up.bin")).unwrap(), b"short");
    let long: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let (_, text) = post(&world, &url, MULTIPART, multipart(&long));
    assert!(text.ends_with("3000000"), "{text}");
    assert!(std::fs::read(files.path().join("up.bin")).unwrap() == long);
}

#[test]
fn a_form_has_limits_and_must_be_one() {
    let (world, files) = (World::new(), TempDir::new());
    let limits = FormLimits {
        field_bytes_max: 100,
        parts_max: 2,
        files_max: 1,
        file_bytes_max: 1000,
        memory_bytes_max: 10,
    };
    let url = serve(&world, limits, &files);
    let form = "application/x-www-form-urlencoded";
    let file = "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n\r\n";
    for (status, kind, content) in [
        (413, form, vec![b'a'; 200]),
        (413, form, b"a&b&c".to_vec()),
        (413, MULTIPART, multipart(&[b'x'; 2000])),
        (413, MULTIPART, format!("{file}{file}--xyz--").into_bytes()),
        (
            413,
            MULTIPART,
            format!(
                "--xyz\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"f\"\r\n\r\n\r\n--xyz--",
                "n".repeat(200)
            )
            .into_bytes(),
        ),
        (400, MULTIPART, b"--xyz\r\n".to_vec()),
        (400, MULTIPART, b"nothing".to_vec()),
        (415, "text/plain", b"a=1".to_vec()),
        (415, "", b"a=1".to_vec()),
    ] {
        let sent = String::from_utf8_lossy(&content).into_owned();
        assert_eq!(post(&world, &url, kind, content).0, status, "{kind}: {sent}");
    }
}
