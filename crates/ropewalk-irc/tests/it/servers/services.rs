//! The services of a network: atheme, linked with an inspircd that speaks TLS, too.

use std::fs::write;
use std::path::Path;
use std::process::{Child, Command};

use super::programs::{Directory, Server, free_port, has, spawn};

/// A server and the services behind it, until this is dropped.
pub(crate) struct Services {
    child: Child,
    pub(crate) server: Server,
    /// Where the server speaks TLS.
    pub(crate) tls_port: u16,
    /// The certificate and the key of a client, in one file.
    pub(crate) identity: String,
}

impl Services {
    /// `None` and a line for the tally if one of the programs is not there.
    pub(crate) fn start(test: &str) -> Option<Self> {
        if !has(test, "inspircd") || !has(test, "atheme-services") {
            return None;
        }
        let directory = Directory::new();
        let (link_port, tls_port) = (free_port(), free_port());
        let put = |name: &str, text: String| {
            write(directory.0.join(name), text).expect("there is room for tests");
        };
        put("server.pem", identity());
        put("client.pem", identity());
        put("link.conf", server_config(&directory.0, link_port, tls_port));
        put("atheme.conf", services_config(link_port));
        let identity = directory.0.join("client.pem").display().to_string();
        let child = start_services(&directory.0);
        let server = Server::inspircd_in(directory);
        Some(Self { child: spawn(child), server, tls_port, identity })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

/// A certificate that vouches for itself, and its key.
fn identity() -> String {
    let made =
        rcgen::generate_simple_self_signed(["example.test".to_owned()]).expect("a certificate");
    format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem())
}

/// What the server needs besides: a port for services and one for TLS, and what tells them who logs in.
fn server_config(directory: &Path, link_port: u16, tls_port: u16) -> String {
    let modules = ["spanningtree", "services_account", "sasl", "ssl_gnutls", "sslinfo"];
    let modules: String =
        modules.iter().map(|name| format!("<module name=\"{name}\">\n")).collect();
    let pem = directory.join("server.pem").display().to_string();
    format!(
        "{modules}<sasl target=\"services.example.test\">\n\
         <uline server=\"services.example.test\" silent=\"yes\">\n\
         <bind address=\"127.0.0.1\" port=\"{link_port}\" type=\"servers\">\n\
         <link name=\"services.example.test\" ipaddr=\"127.0.0.1\" port=\"{link_port}\"\n\
          allowmask=\"127.0.0.0/8\" sendpass=\"between\" recvpass=\"between\">\n\
         <sslprofile name=\"clients\" provider=\"gnutls\" certfile=\"{pem}\" keyfile=\"{pem}\"\n\
          hash=\"sha256\" requestclientcert=\"yes\">\n\
         <bind address=\"127.0.0.1\" port=\"{tls_port}\" type=\"clients\" sslprofile=\"clients\">\n"
    )
}

fn services_config(link_port: u16) -> String {
    let modules = [
        "protocol/inspircd",
        "backend/opensex",
        "crypto/pbkdf2v2",
        "nickserv/main",
        "nickserv/register",
        "nickserv/cert",
        "saslserv/main",
        "saslserv/plain",
        "saslserv/external",
    ];
    let modules: String =
        modules.iter().map(|name| format!("loadmodule \"modules/{name}\";\n")).collect();
    format!(
        "{modules}serverinfo {{ name = \"services.example.test\"; desc = \"Services\"; numeric = \"00A\";\n\
         recontime = 1; netname = \"Ropes\"; adminname = \"a\"; adminemail = \"a@example.test\";\n\
         registeremail = \"a@example.test\"; mta = \"/bin/true\"; loglevel = {{ error; }}; maxlogins = 5;\n\
         maxusers = 5; mdlimit = 30; emaillimit = 10; emailtime = 300; auth = none; casemapping = rfc1459; }};\n\
         uplink \"irc.example.test\" {{ host = \"127.0.0.1\"; port = {link_port};\n\
         send_password = \"between\"; receive_password = \"between\"; }};\n\
         nickserv {{ nick = \"NickServ\"; user = \"n\"; host = \"services.example.test\"; real = \"Nicks\"; }};\n\
         saslserv {{ nick = \"SaslServ\"; user = \"s\"; host = \"services.example.test\"; real = \"Sasl\"; }};\n\
         general {{ commit_interval = 5; }};\ndatabase {{ }};\n"
    )
}

fn start_services(directory: &Path) -> Command {
    let mut command = Command::new("atheme-services");
    command.arg("-n").arg("-c").arg(directory.join("atheme.conf")).arg("-D").arg(directory);
    command.arg("-l").arg(directory.join("atheme.log")).arg("-p").arg(directory.join("atheme.pid"));
    command
}
