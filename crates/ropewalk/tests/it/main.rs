//! What only the crates together can do: TLS through a proxy of HTTP, over real sockets; the names of the machine.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod system_names;

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use ropewalk::http::{Agent, AgentOptions, HttpFactory, Method, Request, StartTls};
use ropewalk::tls::{
    ClientOptions, Identity, Roots, ServerOptions, TlsClient, TlsServer, Trust, handshake_done,
};
use ropewalk::{Address, Deferred, Factory, Transport, net};

/// TLS that trusts the authority of the test.
struct TestTls(TlsClient);

impl StartTls for TestTls {
    fn start_tls(&self, transport: &Transport, server_name: &str) -> Deferred<()> {
        self.0.start(transport, server_name, Bytes::new());
        handshake_done(transport).add_callback(|_| ())
    }
}

/// A server called `far.test`, and who vouches for it.
fn identity() -> (Identity, Trust) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("there is randomness"))
            .expect("it can sign");
    let mut params = CertificateParams::new(vec!["far.test".to_owned()]).expect("it can sign");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().expect("there is randomness");
    let certificate = params.signed_by(&key, &authority).expect("it can sign");
    let trust = Trust::in_roots(Roots::Pem(authority.pem().into_bytes()));
    (Identity::pem(certificate.pem(), key.serialize_pem()), trust)
}

#[test]
fn https_goes_through_a_proxy_and_the_tunnel_is_used_again() {
    let main_loop = net::new_loop(None).unwrap();
    let (identity, trust) = identity();
    let options = ServerOptions { identities: vec![identity], ..ServerOptions::default() };
    let server_tls = TlsServer::new(options).unwrap();
    let far = HttpFactory::new(|request: Request| {
        let secret = request.header("proxy-authorization").is_some();
        request.finish_with(format!("far {} {secret}", request.target()));
    });
    // Behind the tunnel is the server itself: a proxy that has no way to go.
    let tunnels = Rc::new(Cell::new(0));
    let counted = tunnels.clone();
    let proxy = HttpFactory::new(move |request: Request| {
        counted.set(counted.get() + 1);
        assert_eq!(request.method(), Method::CONNECT);
        assert_eq!(request.header_text("proxy-authorization"), Some("Basic dTpw"));
        let transport = request.transport().clone();
        let behind = far.build_protocol(&transport).unwrap();
        request.connect_tunnel(behind);
        server_tls.start(&transport, Bytes::new());
    });
    let port = ropewalk::listen(main_loop.reactor(), "tcp:0:interface=127.0.0.1", proxy);
    let port = main_loop.run_until(port).unwrap();
    let Address::Ip(address) = port.host() else { panic!("a port of TCP") };
    let client = TlsClient::new(&ClientOptions { trust, ..ClientOptions::default() }).unwrap();
    let agent = Agent::with_options(
        main_loop.reactor(),
        ropewalk::endpoints(main_loop.reactor()),
        AgentOptions {
            proxy: Some(format!("http://u:p@{address}").parse().unwrap()),
            start_tls: Some(Rc::new(TestTls(client))),
            ..AgentOptions::default()
        },
    );
    for path in ["/a", "/b"] {
        let asked = agent.get(&format!("https://far.test{path}"));
        let text = asked.add_callback(|response| response.text(1 << 10));
        assert_eq!(main_loop.run_until(text).unwrap(), format!("far {path} false"));
    }
    assert_eq!(tunnels.get(), 1);
    assert!(main_loop.run_until(agent.get("https://near.test/")).is_err(), "it is not near.test");
}
