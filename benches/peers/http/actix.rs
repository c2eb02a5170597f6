//! actix-web with one worker: `peer-actix HOST:PORT`.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use actix_web::{App, HttpServer, rt, web};

/// Longer than any run: an idle connection is to stay.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

fn main() -> io::Result<()> {
    let listener = peers::listen()?;
    rt::System::new().block_on(async {
        let app = || App::new().route("/", web::get().to(async || peers::HELLO));
        let server = HttpServer::new(app).workers(1).keep_alive(KEEP_ALIVE);
        let server = match peers::tls::server_config()? {
            Some(config) => server.listen_rustls_0_23(listener, config)?,
            None => server.listen(listener)?,
        };
        server.run().await
    })
}
