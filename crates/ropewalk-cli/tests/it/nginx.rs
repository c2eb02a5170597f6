//! [`nginx`]: Debian's, as a peer, with a site or a proxy of a test's own on a UNIX socket.

use std::fs;
use std::process::Command;

use crate::program::{Directory, Program, wait_for};

/// Starts nginx with `server` for its one server, which listens on `nginx.sock` in `directory`.
pub(crate) fn nginx(directory: &Directory, server: &str) -> Program {
    let (place, socket) = (directory.path(""), directory.path("nginx.sock"));
    let config = format!(
        "daemon off; master_process off; pid {place}/pid; error_log {place}/log;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
         fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
         gzip on; gzip_types text/plain; client_max_body_size 0;\n\
         server {{ listen unix:{socket}; {server} }} }}\n"
    );
    fs::write(directory.path("nginx.conf"), config).expect("a file");
    let mut command = Command::new("nginx");
    command.args(["-e", &directory.path("log"), "-c", &directory.path("nginx.conf")]);
    let server = Program::start(&mut command);
    wait_for(&socket);
    server
}
