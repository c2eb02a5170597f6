//! Every kind of bad certificate, with what is said about it on both sides.

use rcgen::{
    CertificateRevocationListParams, ExtendedKeyUsagePurpose, KeyIdMethod, KeyPair,
    RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use ropewalk_tls::{
    CertificateError, ClientCertificates, ClientOptions, Identity, ServerOptions, TlsClient,
    TlsError, TlsServer, Trust,
};

use crate::rig::{AUTHORITY, Authority, Stage, client_options, logged, server_options};

/// Connects a client to a server that shows `identity`; what the client's failure and the server's log say.
fn refusal(identity: Identity, options: ClientOptions) -> (String, String) {
    let server = ServerOptions { identities: vec![identity], ..ServerOptions::default() };
    refusal_between(server, options)
}

fn refusal_between(server: ServerOptions, client: ClientOptions) -> (String, String) {
    let (server, client) = (TlsServer::new(server).unwrap(), TlsClient::new(&client).unwrap());
    let mut said = String::new();
    let log = logged(|| {
        let ends = Stage::new().connect(&server, &client);
        assert!(!ends.server.is_made(), "the server's factory is not asked");
        // TLS 1.3 lets a client begin before the server has looked at its certificate.
        said = match &ends.outcome {
            Err(failure) => failure.to_string(),
            Ok(()) => ends.client.lost().unwrap().to_string(),
        };
    });
    assert_eq!(log.len(), 1, "{log:?}");
    let (_, at_server) = log[0].split_once(": no TLS handshake with ").unwrap();
    let said = said.split_once(": ").map_or(said.clone(), |(before, after)| {
        if before.starts_with("connect to memory") { after.to_owned() } else { said.clone() }
    });
    (said, at_server.split_once(": ").unwrap().1.to_owned())
}

#[test]
fn an_expired_certificate_is_called_so() {
    let identity = AUTHORITY.issue(&["localhost"], |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let (client, server) = refusal(identity, client_options());
    assert!(client.starts_with("the peer's certificate expired ") && client.ends_with(" days ago"));
    assert_eq!(server, "the peer refused the TLS connection: certificate_expired (alert 45)");
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_called_so() {
    let identity = AUTHORITY.issue(&["localhost"], |params| {
        params.not_before = date_time_ymd(2120, 1, 1);
        params.not_after = date_time_ymd(2121, 1, 1);
    });
    let (client, _) = refusal(identity, client_options());
    assert!(
        client.starts_with("the peer's certificate is not valid yet: it will be in "),
        "{client}"
    );
    assert!(client.ends_with(" days (is the clock right?)"), "{client}");
}

#[test]
fn a_certificate_for_others_says_for_whom_it_is() {
    let identity = AUTHORITY.server(&["a.example", "*.b.example"]);
    let (client, server) = refusal(identity, client_options());
    assert_eq!(
        client,
        "the peer's certificate is not for localhost, but for a.example, *.b.example"
    );
    assert_eq!(server, "the peer refused the TLS connection: bad_certificate (alert 42)");
}

#[test]
fn a_certificate_of_somebody_unknown_is_called_so() {
    let stranger = Authority::new("a stranger");
    let (client, server) = refusal(stranger.server(&["localhost"]), client_options());
    assert_eq!(client, "the peer's certificate was issued by somebody who is not trusted here");
    assert_eq!(server, "the peer refused the TLS connection: unknown_ca (alert 48)");
}

#[test]
fn a_self_signed_certificate_is_called_so() {
    let params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity::pem(certificate.pem(), key.serialize_pem());
    let (client, _) = refusal(identity, client_options());
    assert_eq!(client, "the peer's certificate is self-signed, and not trusted here");
}

#[test]
fn a_certificate_with_a_wrong_signature_is_called_so() {
    // Two authorities of the same name, one of which is trusted.
    let (real, false_one) = (Authority::new("the same"), Authority::new("the same"));
    let options = ClientOptions { trust: real.trust(), ..ClientOptions::default() };
    let (client, _) = refusal(false_one.server(&["localhost"]), options);
    assert_eq!(client, "the peer's certificate has a wrong signature");
}

#[test]
fn a_certificate_for_another_use_is_called_so() {
    let (client, server) = refusal(AUTHORITY.client("localhost"), client_options());
    assert_eq!(client, "the peer's certificate is not for this use");
    assert_eq!(server, "the peer refused the TLS connection: unsupported_certificate (alert 43)");
}

#[test]
fn a_revoked_certificate_is_called_so() {
    let identity = AUTHORITY.issue(&["localhost"], |params| {
        params.serial_number = Some(SerialNumber::from(4711));
    });
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2126, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(4711),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let directory = crate::rig::Directory::new();
    let path = directory.write("revoked.pem", &AUTHORITY.revocations(list));
    let trust = Trust { revocations: Some(path), ..AUTHORITY.trust() };
    let revoking = ClientOptions { trust, ..ClientOptions::default() };
    let (client, server) = refusal(identity, revoking.clone());
    assert_eq!(client, "the peer's certificate was revoked by its issuer");
    assert_eq!(server, "the peer refused the TLS connection: certificate_revoked (alert 44)");
    let other = TlsServer::new(server_options()).unwrap();
    Stage::new().connect(&other, &TlsClient::new(&revoking).unwrap()).up();
}

/// What a server says about a client's certificate, and what the client hears of it.
fn client_refusal(identity: Option<Identity>, asked: ClientCertificates) -> (String, String) {
    let server = ServerOptions { client_certificates: asked, ..server_options() };
    refusal_between(server, ClientOptions { identity, ..client_options() })
}

#[test]
fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    let (client, server) = client_refusal(None, ClientCertificates::Required(AUTHORITY.trust()));
    let said = "a client certificate is required, and none was shown";
    assert_eq!((client.as_str(), server.as_str()), (said, said));
}

#[test]
fn a_bad_certificate_of_a_client_is_refused_even_where_none_is_required() {
    for asked in [ClientCertificates::Optional, ClientCertificates::Required] {
        let asked = asked(AUTHORITY.trust());
        let stranger = Authority::new("a stranger").client("somebody");
        let (client, server) = client_refusal(Some(stranger), asked.clone());
        assert_eq!(server, "the peer's certificate was issued by somebody who is not trusted here");
        assert_eq!(client, "the peer refused the TLS connection: unknown_ca (alert 48)");
        let (_, server) = client_refusal(Some(AUTHORITY.server(&["localhost"])), asked.clone());
        assert_eq!(server, "the peer's certificate is not for this use");
        let expired = AUTHORITY.issue(&["somebody"], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.not_after = date_time_ymd(2020, 1, 1);
        });
        let (_, server) = client_refusal(Some(expired), asked);
        assert!(server.starts_with("the peer's certificate expired "), "{server}");
    }
}

#[test]
fn the_error_is_found_in_the_failure() {
    let identity = AUTHORITY.server(&["a.example"]);
    let options = ServerOptions { identities: vec![identity], ..ServerOptions::default() };
    let (server, client) = (TlsServer::new(options).unwrap(), crate::rig::client());
    let failure = Stage::new().connect(&server, &client).outcome.unwrap_err();
    let error = failure.check::<TlsError>();
    assert!(matches!(error, Some(TlsError::BadCertificate(CertificateError::WrongName { .. }))));
    assert!(failure.check::<CertificateError>().is_some());
    assert!(failure.is(ropewalk_core::FailureKind::Peer));
}

#[test]
fn who_trusts_anyone_is_shown_everything() {
    let stranger = Authority::new("a stranger").server(&["a.example"]);
    let options = ServerOptions { identities: vec![stranger], ..ServerOptions::default() };
    let anyone = Trust::in_roots(ropewalk_tls::Roots::Anyone);
    let client = TlsClient::new(&ClientOptions { trust: anyone, ..ClientOptions::default() });
    Stage::new().connect(&TlsServer::new(options).unwrap(), &client.unwrap()).up();
}

#[test]
fn a_certificate_for_an_address_is_for_that_address() {
    let (server, client) = (crate::rig::server(), crate::rig::client());
    Stage::new().connect_as(&server, &client, "127.0.0.1").up();
    let why = Stage::new().connect_as(&server, &client, "127.0.0.2").why();
    assert!(why.ends_with("is not for 127.0.0.2, but for localhost, 127.0.0.1"), "{why}");
    let why = Stage::new().connect_as(&server, &client, "no name").why();
    assert!(why.ends_with("\"no name\" is neither a host name nor an address"), "{why}");
}

/// What `openssl req -x509` makes: it is its own issuer, and may issue others.
fn issuers_own(valid: bool) -> (Identity, ClientOptions) {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    if !valid {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let identity = Identity::pem(pem.clone(), key.serialize_pem());
    let roots = ropewalk_tls::Roots::Pem(pem.into_bytes());
    let trust = Trust { roots, ..Trust::default() };
    (identity, ClientOptions { trust, ..ClientOptions::default() })
}

#[test]
fn a_servers_own_certificate_may_be_what_is_trusted() {
    let (identity, trusting) = issuers_own(true);
    let server = ServerOptions { identities: vec![identity.clone()], ..ServerOptions::default() };
    let server = TlsServer::new(server).unwrap();
    let client = TlsClient::new(&trusting).unwrap();
    let ends = Stage::new().connect(&server, &client);
    assert!(ends.outcome.is_ok(), "{:?}", ends.outcome);
    let other_name = Stage::new().connect_as(&server, &client, "example.org");
    assert!(other_name.why().contains("localhost"), "{}", other_name.why());
    let (said, _) = refusal(identity, client_options());
    assert_eq!(said, "the peer's certificate is self-signed, and not trusted here");
    let (expired, trusting) = issuers_own(false);
    let (said, _) = refusal(expired, trusting);
    assert!(said.contains("expired"), "{said}");
}
