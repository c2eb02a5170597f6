//! The peers that cargo does not build: libuv by the C compiler, Python's by pip, nginx by Debian.
//!
//! They are made when first asked for, below the target directory. What cannot be made says why, in one line, and
//! its row says so in turn.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources of the peers are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// Our directory below cargo's target directory.
///
/// # Errors
///
/// If it cannot be made.
pub fn directory() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    let directory = target.join("bench");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The libuv echo, compiled.
///
/// # Errors
///
/// Why there is none.
pub fn libuv() -> Result<PathBuf, String> {
    let program = directory().map_err(|error| error.to_string())?.join("libuv-echo");
    if !Path::new("/usr/include/uv.h").exists() {
        return Err("not installed (Debian's libuv1-dev)".into());
    }
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-o"]).arg(&program).arg(format!("{SOURCES}/libuv.c")).arg("-luv");
    finish(compiler)?;
    Ok(program)
}

/// The Python of an environment of our own that has `package`, as pip calls it, and the script of the peer.
///
/// # Errors
///
/// Why there is none.
pub fn python(script: &str, package: &str) -> Result<(PathBuf, PathBuf), String> {
    let venv = directory().map_err(|error| error.to_string())?.join("venv");
    let python = venv.join("bin/python");
    let import = |python: &Path| {
        let mut command = Command::new(python);
        // What TLS needs beside Twisted is there under another name.
        let module = if package.ends_with("[tls]") { "OpenSSL" } else { package };
        command.args(["-c", &format!("import {module}")]);
        finish(command)
    };
    if import(&python).is_err() {
        let mut make = Command::new("timeout");
        make.args(["60", "python3", "-m", "venv"]).arg(&venv);
        finish(make)?;
        let mut pip = Command::new("timeout");
        pip.arg("120").arg(&python).args(["-m", "pip", "install", "--quiet", package]);
        finish(pip)?;
        import(&python)?;
    }
    Ok((python, Path::new(SOURCES).join(script)))
}

/// A script of a peer that needs nothing but Python.
pub fn script(name: &str) -> PathBuf {
    Path::new(SOURCES).join(name)
}

/// A certificate for `localhost` that signs itself, and its key: on the curve P-256, made for this machine.
///
/// # Errors
///
/// If there is no `openssl`, or it fails.
pub fn certificate() -> io::Result<(PathBuf, PathBuf)> {
    let directory = directory()?;
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    if !(certificate.exists() && key.exists()) {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        openssl.args(["-nodes", "-days", "3650", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        finish({
            openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
            openssl
        })
        .map_err(io::Error::other)?;
    }
    Ok((certificate, key))
}

/// A directory for nginx with its settings in it, and the address that they name.
///
/// # Errors
///
/// Why there is none.
pub fn nginx(is_secure: bool) -> Result<(PathBuf, String), String> {
    let prepare = || {
        let prefix = directory()?.join("nginx");
        fs::create_dir_all(&prefix)?;
        site()?;
        // Free now; nobody else on this machine is likely to take it in the next moment.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let settings = fs::read_to_string(format!("{SOURCES}/nginx.conf"))?;
        let (listen, tls) = if is_secure {
            let (certificate, key) = certificate()?;
            let (certificate, key) = (certificate.display(), key.display());
            let tls = format!(
                "ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;"
            );
            (format!("{address} ssl"), tls)
        } else {
            (address.clone(), String::new())
        };
        let settings = settings.replace("@ADDRESS@", &listen).replace("@TLS@", &tls);
        fs::write(prefix.join("nginx.conf"), settings)?;
        Ok((prefix, address))
    };
    if nginx_program().is_none() {
        return Err("not installed (Debian's nginx-light)".into());
    }
    prepare().map_err(|error: io::Error| error.to_string())
}

/// A directory with a file of 1 MiB, `file.bin`, for those that serve files.
///
/// # Errors
///
/// If it cannot be made.
pub fn site() -> io::Result<PathBuf> {
    let site = directory()?.join("nginx/html");
    fs::create_dir_all(&site)?;
    fs::write(site.join("file.bin"), vec![b'f'; 1 << 20])?;
    Ok(site)
}

/// Where Debian puts it.
pub fn nginx_program() -> Option<PathBuf> {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx"];
    places.map(PathBuf::from).into_iter().find(|place| place.exists())
}

/// Runs a command to its end; its last words, if it failed.
fn finish(mut command: Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(last_line(&String::from_utf8_lossy(&output.stderr)).unwrap_or(format!("{name} failed")))
}

/// The last line that says something.
pub(crate) fn last_line(text: &str) -> Option<String> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}
