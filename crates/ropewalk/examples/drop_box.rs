//! A box for files: `cargo run --example drop_box`, then open http://127.0.0.1:8080/ in several windows, or
//! `curl -T FILE http://127.0.0.1:8080/`. Files of any size come and go in pieces; all windows see what comes.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ropewalk::http::{StatusCode, header};
use ropewalk::net::{Directory, Symlinks, ThreadPool, ThreadPoolLimits};
use ropewalk::web::{
    Answer, EventStream, Files, Form, FormLimits, Request, Router, Site, page, page_async,
};
use ropewalk::{Deferred, Failure, Reactor};

struct DropBox {
    pool: ThreadPool,
    directory: PathBuf,
    watching: RefCell<Vec<EventStream>>,
}

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Drop box</title><h1>Drop box</h1>\
    <form method=post enctype=multipart/form-data>\
    <label>From <input name=from></label> <label>File <input type=file name=file></label>\
    <button>Drop</button></form><ul id=list></ul>\
    <script>new EventSource('/news').onmessage = event => {\
      const [name, from] = event.data.split('\\n');\
      const item = document.createElement('li'), link = document.createElement('a');\
      [link.textContent, link.download] = [name, name];\
      link.href = '/files/' + encodeURIComponent(name);\
      item.append(link, ' from ' + from); list.append(item); }</script>";

/// The last part of a name: what a client says is not to be trusted as a path.
fn checked(name: &str) -> Option<&str> {
    let name = Path::new(name).file_name()?.to_str()?;
    (!name.starts_with('.')).then_some(name)
}

impl DropBox {
    fn tell(&self, name: &str, from: &str) {
        self.watching.borrow_mut().retain(EventStream::is_open);
        self.watching.borrow().iter().for_each(|stream| stream.send(format!("{name}\n{from}")));
    }

    /// From the form in the page: what is long is in a temporary file already.
    async fn submitted(&self, request: Request) -> Result<Answer, Failure> {
        let mut form = Form::read(&request, &self.pool, FormLimits::default()).await?;
        for file in std::mem::take(&mut form.files) {
            let Some(name) = checked(&file.file_name).map(str::to_owned) else {
                return Ok(StatusCode::BAD_REQUEST.into());
            };
            file.save(&self.pool, self.directory.join(&name)).await?;
            self.tell(&name, form.get("from").unwrap_or_default());
        }
        request.set_header(header::LOCATION, "/");
        Ok(StatusCode::SEE_OTHER.into())
    }

    /// From `curl -T`: written as it comes, and the client held back while it is.
    async fn put(&self, request: Request) -> Result<Answer, Failure> {
        let Some(name) = request.param("name").as_deref().and_then(checked).map(str::to_owned)
        else {
            return Ok(StatusCode::BAD_REQUEST.into());
        };
        let (path, body) = (self.directory.join(&name), request.take_body());
        let mut file = self.pool.defer_to_thread(|| Ok(File::create(path)?)).await?;
        while let Some(piece) = body.next().await? {
            let write = move || file.write_all(&piece).map(|()| file);
            file = self.pool.defer_to_thread(move || Ok(write()?)).await?;
        }
        self.tell(&name, "curl");
        Ok(StatusCode::CREATED.into())
    }
}

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let address = words.next().unwrap_or("tcp:8080:interface=127.0.0.1".to_owned());
    let directory = words.next().map_or(std::env::temp_dir().join("drop-box"), PathBuf::from);
    ropewalk::run(|reactor| match site(reactor, directory) {
        Ok(site) => ropewalk::listen(reactor, &address, site.into_factory()),
        Err(why) => Deferred::fail(why),
    })
}

fn site(reactor: &Reactor, directory: PathBuf) -> Result<Site, Failure> {
    std::fs::create_dir_all(&directory)?;
    let pool = ThreadPool::new(reactor, ThreadPoolLimits::default());
    let files = Files::new(Directory::open(&pool, &directory, Symlinks::Refuse)?);
    let this = Rc::new(DropBox { pool, directory, watching: RefCell::default() });
    let (form, put, news) = (this.clone(), this.clone(), this);
    let routes = Router::new()
        .get("/", page(|_: &Request| PAGE))
        .post("/", page_async(async move |request| form.submitted(request).await))
        .put("/{name}", page_async(async move |request| put.put(request).await))
        .get(
            "/news",
            page(move |request: &Request| {
                news.watching.borrow_mut().push(EventStream::begin(request));
                Answer::NotDoneYet
            }),
        )
        .get("/files/{*name}", files);
    Ok(Site::new(routes))
}
