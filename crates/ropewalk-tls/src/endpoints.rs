//! [`endpoints`]: what `tls:` means in an endpoint string.
//!
//! | server | arguments |
//! |---|---|
//! | `tls:443:cert=/c.pem:key=/k.pem` | those of `tcp:`, … `cert`, `key` (by default the same file), `sni`, `clientCAs`, `clientAuth` (required, optional), `crl`, `alpn`, `handshakeTimeout` (10 seconds) |
//!
//! | client | arguments |
//! |---|---|
//! | `tls:example.com:443` | those of `tcp:`, … `trustRoots` or `cafile`, `crl`, `verify` (yes), `servername` (the host), `cert`, `key`, `alpn`, `handshakeTimeout` (10 seconds) |
//!
//! `cert` and `key` of a server may be lists with commas between, pair by pair; `sni` is a directory in which each
//! file `*.pem` has a chain and its key. `clientCAs` and `trustRoots` are a PEM file or a directory of such; `crl` is a
//! PEM file. `alpn` is a list with commas: `alpn=h2,http/1.1`. A client's `timeout` is for all of it, the handshake
//! included.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Argument, Description, EndpointError, Endpoints, Failure, Reactor, Resolve};
use ropewalk_net::{SystemResolver, TcpClientEndpoint, TcpServerEndpoint};

use crate::{
    ClientCertificates, ClientOptions, Identity, Roots, ServerOptions, TlsClient,
    TlsClientEndpoint, TlsServer, TlsServerEndpoint, Trust,
};

/// A registry with the words of `ropewalk-net` and `tls:`.
///
/// # Example: errors point at their place
/// ```
/// let main_loop = ropewalk_net::new_loop(None)?;
/// let known = ropewalk_tls::endpoints(main_loop.reactor());
/// let error = known.server("tls:443:cert=/no/such.pem").err().expect("it is not there");
/// assert_eq!(
///     error.to_string(),
///     r#"bad endpoint "tls:443:cert=/no/such.pem": at character 9: /no/such.pem: No such file or directory (os error 2)"#
/// );
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
pub fn endpoints(reactor: &Reactor) -> Endpoints {
    let mut endpoints = Endpoints::new();
    let resolver: Rc<dyn Resolve> = Rc::new(SystemResolver::new(reactor));
    ropewalk_net::register(&mut endpoints, resolver.clone());
    register(&mut endpoints, resolver);
    endpoints
}

/// Adds `tls:` to a registry; `resolver` finds the addresses of names.
pub fn register(endpoints: &mut Endpoints, resolver: Rc<dyn Resolve>) {
    endpoints.register_server("tls", |text| Ok(Rc::new(server(text)?)));
    endpoints.register_client("tls", move |text| Ok(Rc::new(client(text, resolver.clone())?)));
}

type Parsed<T> = Result<T, EndpointError>;

fn server(text: &mut Description<'_>) -> Parsed<TlsServerEndpoint> {
    let tcp = TcpServerEndpoint::from_description(text)?;
    let sni = text.take_named("sni");
    let cert = match sni {
        Some(_) => text.take_named("cert"),
        None => Some(text.require("cert")?),
    };
    let key = text.take_named("key");
    let mut options = ServerOptions {
        identities: identities(cert.as_ref(), key.as_ref())?,
        identity_directory: sni.as_ref().map(|directory| PathBuf::from(directory.value())),
        client_certificates: client_certificates(text)?,
        alpn: alpn(text)?,
        ..ServerOptions::default()
    };
    set_seconds(&mut options.handshake_timeout, text.take_named("handshakeTimeout"))?;
    let place = cert.as_ref().or(sni.as_ref());
    let tls = TlsServer::new(options).map_err(|failure| at(place, text, &failure))?;
    Ok(TlsServerEndpoint::new(tcp, &tls))
}

fn client(text: &mut Description<'_>, resolver: Rc<dyn Resolve>) -> Parsed<TlsClientEndpoint> {
    let tcp = TcpClientEndpoint::from_description(text, resolver)?;
    let roots = text.take_named("trustRoots").or_else(|| text.take_named("cafile"));
    let (cert, key) = (text.take_named("cert"), text.take_named("key"));
    let name = text.take_named("servername");
    let verify = match text.take_named("verify") {
        None => true,
        Some(argument) => match argument.value() {
            "yes" => true,
            "no" => false,
            other => return Err(argument.error(format!("{other:?} is not yes or no"))),
        },
    };
    let trust = Trust {
        roots: match &roots {
            _ if !verify => Roots::Anyone,
            Some(path) => Roots::Path(path.value().into()),
            None => Roots::Platform,
        },
        revocations: text.take_named("crl").map(|path| path.value().into()),
    };
    let mut options = ClientOptions {
        trust,
        identity: identities(cert.as_ref(), key.as_ref())?.pop(),
        alpn: alpn(text)?,
        ..ClientOptions::default()
    };
    set_seconds(&mut options.handshake_timeout, text.take_named("handshakeTimeout"))?;
    let place = roots.as_ref().or(cert.as_ref());
    let tls = TlsClient::new(&options).map_err(|failure| at(place, text, &failure))?;
    let server_name = name.map_or_else(|| tcp.host.clone(), |name| name.value().to_owned());
    Ok(TlsClientEndpoint::new(tcp, &tls, server_name))
}

/// The failure as an error that points at the argument it is most likely about.
fn at(place: Option<&Argument<'_>>, text: &Description<'_>, failure: &Failure) -> EndpointError {
    let why = failure.to_string();
    place.map_or_else(|| text.error(why.clone()), |place| place.error(why.clone()))
}

/// The pairs of `cert` and `key`.
fn identities(cert: Option<&Argument<'_>>, key: Option<&Argument<'_>>) -> Parsed<Vec<Identity>> {
    let Some(cert) = cert else {
        return match key {
            Some(key) => Err(key.error("a key without its certificate (cert=)")),
            None => Ok(Vec::new()),
        };
    };
    let certificates: Vec<&Path> = cert.value().split(',').map(Path::new).collect();
    let keys: Vec<&Path> = match key {
        Some(key) => key.value().split(',').map(Path::new).collect(),
        None => certificates.clone(),
    };
    if keys.len() != certificates.len() {
        let why = format!("{} certificates have {} keys", certificates.len(), keys.len());
        return Err(key.unwrap_or(cert).error(why));
    }
    Ok(certificates.into_iter().zip(keys).map(|(cert, key)| Identity::files(cert, key)).collect())
}

fn client_certificates(text: &mut Description<'_>) -> Parsed<ClientCertificates> {
    let how = text.take_named("clientAuth");
    let revocations = text.take_named("crl");
    let Some(roots) = text.take_named("clientCAs") else {
        return match how.or(revocations) {
            Some(alone) => Err(alone.error("this is of no use without clientCAs=")),
            None => Ok(ClientCertificates::NotAsked),
        };
    };
    let revocations = revocations.map(|path| path.value().into());
    let trust = Trust { roots: Roots::Path(roots.value().into()), revocations };
    match how.as_ref().map(Argument::value) {
        None | Some("required") => Ok(ClientCertificates::Required(trust)),
        Some("optional") => Ok(ClientCertificates::Optional(trust)),
        Some(other) => {
            let why = format!("{other:?} is not required or optional");
            Err(how.map_or_else(|| roots.error(why.clone()), |how| how.error(why.clone())))
        }
    }
}

fn alpn(text: &mut Description<'_>) -> Parsed<Vec<Vec<u8>>> {
    let Some(list) = text.take_named("alpn") else { return Ok(Vec::new()) };
    let names: Vec<Vec<u8>> =
        list.value().split(',').map(|name| name.as_bytes().to_vec()).collect();
    if names.iter().any(|name| !(1..=255).contains(&name.len())) {
        return Err(list.error("the name of an application protocol has 1 to 255 bytes"));
    }
    Ok(names)
}

/// The most that a timeout may be; more is a mistake.
const SECONDS_MAX: f64 = 1e9;

fn set_seconds(field: &mut Duration, argument: Option<Argument<'_>>) -> Parsed<()> {
    let Some(argument) = argument else { return Ok(()) };
    let seconds: f64 = argument.parse("a number of seconds")?;
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(argument.error(format!("{seconds} is not a number of seconds")));
    }
    *field = Duration::from_secs_f64(seconds);
    Ok(())
}
