//! [`endpoints`]: what `tcp:`, `unix:` and the other words of endpoint strings mean.
//!
//! The strings are Twisted's, with more arguments. Arguments may stand in the order of the table without their
//! names; those behind a `…` need theirs. A colon in a value is escaped (`interface=\:\:1`) or stands in
//! brackets (`interface=[::1]`). Addresses are written out; only a client's host may be a name.
//!
//! | server | arguments |
//! |---|---|
//! | `tcp:8080` | `port`, `interface` (0.0.0.0), `backlog` (1024), … `reusePort` (no), `noDelay` (yes), `keepAlive` (seconds), `dualStack` (no) |
//! | `unix:/run/x.sock`, `unix:@name` | `address`, `mode` (octal), `backlog` (1024), … `abstract` (a name, in place of the address) |
//! | `stdio:` | none |
//! | `fd:3` | `fileno` |
//! | `systemd:domain=INET:index=0` | `domain`, `index` (0), … `name` |
//!
//! | client | arguments |
//! |---|---|
//! | `tcp:example.com:80` | `host`, `port`, `timeout` (30 seconds), `bindAddress`, … `noDelay` (yes), `keepAlive` (seconds) |
//! | `unix:/run/x.sock`, `unix:@name` | `path`, `timeout` (30 seconds), … `abstract` |
//! | `stdio:` | none |
//! | `fd:3` | `fileno` |
//!
//! | datagrams | arguments |
//! |---|---|
//! | `udp:5353` | `port`, `interface` (0.0.0.0), … `reusePort`, `reuseAddress`, `broadcast` (no), `group`, `groupInterface` (an IPv4 address or an index), `loop`, `ttl` |
//! | `udp:example.com:53` | `host`, `port`, … `bindAddress` |
//! | `unixgram:/run/x.sock` | `address`, `mode` (octal), … `abstract`, `connect` (a path or `@name`) |

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    Address, Argument, ClientEndpoint, DatagramEndpoint, Description, EndpointError, Endpoints,
    Reactor, Resolve, ServerEndpoint,
};

use crate::adopted::{AdoptedClientEndpoint, AdoptedServerEndpoint};
use crate::stdio::StdioEndpoint;
use crate::system_resolver::SystemResolver;
use crate::systemd::{SystemdDomain, SystemdServerEndpoint};
use crate::tcp::{TcpClientEndpoint, TcpServerEndpoint};
use crate::udp::{Interface, UdpClientEndpoint, UdpEndpoint};
use crate::unix::{
    UnixClientEndpoint, UnixDatagramEndpoint, UnixServerEndpoint, abstract_address, path_address,
};

/// A registry with all words of this crate, which finds names as the system does.
///
/// # Example: a server and its client
/// ```
/// use ropewalk_net::{endpoints, new_loop};
/// let main_loop = new_loop(None)?;
/// let known = endpoints(main_loop.reactor());
/// assert!(known.server("tcp:8080:interface=127.0.0.1").is_ok());
/// assert!(known.client("tcp:example.com:80:timeout=5").is_ok());
/// let error = known.server("tcp:http").err().expect("ports are numbers");
/// let said = r#"bad endpoint "tcp:http": at character 5: "http" is not a port number (0 to 65535)"#;
/// assert_eq!(error.to_string(), said);
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
pub fn endpoints(reactor: &Reactor) -> Endpoints {
    let mut endpoints = Endpoints::new();
    register(&mut endpoints, Rc::new(SystemResolver::new(reactor)));
    endpoints
}

/// Adds all words of this crate to a registry; `resolver` finds the addresses of names.
pub fn register(endpoints: &mut Endpoints, resolver: Rc<dyn Resolve>) {
    endpoints.register_server("tcp", |text| Ok(Rc::new(tcp_server(text)?)));
    endpoints.register_server("unix", |text| Ok(Rc::new(unix_server(text)?)));
    endpoints.register_server("stdio", |_| Ok(Rc::new(StdioEndpoint) as Rc<dyn ServerEndpoint>));
    endpoints.register_server("fd", |text| Ok(Rc::new(AdoptedServerEndpoint { fd: fd(text)? })));
    endpoints.register_server("systemd", |text| Ok(Rc::new(systemd(text)?)));

    let names = resolver.clone();
    endpoints.register_client("tcp", move |text| Ok(Rc::new(tcp_client(text, names.clone())?)));
    endpoints.register_client("unix", |text| Ok(Rc::new(unix_client(text)?)));
    endpoints.register_client("stdio", |_| Ok(Rc::new(StdioEndpoint) as Rc<dyn ClientEndpoint>));
    endpoints.register_client("fd", |text| Ok(Rc::new(AdoptedClientEndpoint { fd: fd(text)? })));

    endpoints.register_datagram("udp", move |text| udp(text, resolver.clone()));
    endpoints.register_datagram("unixgram", |text| Ok(Rc::new(unix_datagram(text)?)));
}

type Parsed<T> = Result<T, EndpointError>;

impl TcpServerEndpoint {
    /// Takes the arguments of `tcp:` out of an endpoint string; for words of others that stand on TCP, and take
    /// theirs after.
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn from_description(text: &mut Description<'_>) -> Result<Self, EndpointError> {
        tcp_server(text)
    }
}

impl TcpClientEndpoint {
    /// As [`TcpServerEndpoint::from_description`].
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn from_description(
        text: &mut Description<'_>,
        resolver: Rc<dyn Resolve>,
    ) -> Result<Self, EndpointError> {
        tcp_client(text, resolver)
    }
}

fn tcp_server(text: &mut Description<'_>) -> Parsed<TcpServerEndpoint> {
    let port = port(&text.require("port")?)?;
    let interface = optional(text.take("interface"), ip)?.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let mut endpoint = TcpServerEndpoint::new(SocketAddr::new(interface, port));
    set(&mut endpoint.backlog, text.take("backlog"), backlog)?;
    set(&mut endpoint.reuse_port, text.take_named("reusePort"), yes_or_no)?;
    set(&mut endpoint.no_delay, text.take_named("noDelay"), yes_or_no)?;
    set(&mut endpoint.dual_stack, text.take_named("dualStack"), yes_or_no)?;
    endpoint.keep_alive = optional(text.take_named("keepAlive"), whole_seconds)?;
    Ok(endpoint)
}

fn tcp_client(text: &mut Description<'_>, resolver: Rc<dyn Resolve>) -> Parsed<TcpClientEndpoint> {
    let host = host(&text.require("host")?)?;
    let port = port(&text.require("port")?)?;
    let mut endpoint = TcpClientEndpoint::new(host, port, resolver);
    set(&mut endpoint.timeout, text.take("timeout"), seconds)?;
    endpoint.bind_address = optional(text.take("bindAddress"), bind_address)?;
    set(&mut endpoint.no_delay, text.take_named("noDelay"), yes_or_no)?;
    endpoint.keep_alive = optional(text.take_named("keepAlive"), whole_seconds)?;
    Ok(endpoint)
}

fn unix_server(text: &mut Description<'_>) -> Parsed<UnixServerEndpoint> {
    let mut endpoint = UnixServerEndpoint::at(unix_address(text, "address")?);
    endpoint.mode = optional(text.take("mode"), octal)?;
    set(&mut endpoint.backlog, text.take("backlog"), backlog)?;
    Ok(endpoint)
}

fn unix_client(text: &mut Description<'_>) -> Parsed<UnixClientEndpoint> {
    let mut endpoint = UnixClientEndpoint::at(unix_address(text, "path")?);
    set(&mut endpoint.timeout, text.take("timeout"), seconds)?;
    Ok(endpoint)
}

fn unix_datagram(text: &mut Description<'_>) -> Parsed<UnixDatagramEndpoint> {
    let connect_to = optional(text.take_named("connect"), unix_name)?;
    let address = match text.take_named("abstract") {
        Some(name) => Some(abstract_name(&name)?),
        None => optional(text.take("address"), unix_name)?,
    };
    if address.is_none() && connect_to.is_none() {
        text.require("address")?;
    }
    Ok(UnixDatagramEndpoint { address, mode: optional(text.take("mode"), octal)?, connect_to })
}

fn systemd(text: &mut Description<'_>) -> Parsed<SystemdServerEndpoint> {
    let domain = optional(text.take("domain"), |argument| {
        SystemdDomain::from_word(argument.value()).ok_or_else(|| {
            argument.error(format!("{:?} is not INET, INET6 or UNIX", argument.value()))
        })
    })?;
    let index = optional(text.take("index"), |argument| argument.parse("an index"))?;
    let name = text.take_named("name").map(|name| name.value().to_owned());
    Ok(SystemdServerEndpoint { domain, index: index.unwrap_or(0), name })
}

/// One argument is a port to receive at, two are whom to connect to.
fn udp(text: &mut Description<'_>, resolver: Rc<dyn Resolve>) -> Parsed<Rc<dyn DatagramEndpoint>> {
    if let Some(host) = text.take_named("host") {
        return udp_client(text, &host, resolver);
    }
    let first = text.require("port")?;
    if first.value().parse::<u16>().is_err() && text.has_unnamed() {
        return udp_client(text, &first, resolver);
    }
    let port = port(&first)?;
    let interface = optional(text.take("interface"), ip)?.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let mut endpoint = UdpEndpoint::new(SocketAddr::new(interface, port));
    set(&mut endpoint.reuse_port, text.take_named("reusePort"), yes_or_no)?;
    set(&mut endpoint.reuse_address, text.take_named("reuseAddress"), yes_or_no)?;
    set(&mut endpoint.broadcast, text.take_named("broadcast"), yes_or_no)?;
    endpoint.multicast_loop = optional(text.take_named("loop"), yes_or_no)?;
    endpoint.multicast_ttl = optional(text.take_named("ttl"), ttl)?;
    let by = optional(text.take_named("groupInterface"), interface_of_group)?.unwrap_or_default();
    if let Some(group) = optional(text.take_named("group"), multicast_ip)? {
        endpoint.groups.push((group, by));
    }
    Ok(Rc::new(endpoint))
}

fn udp_client(
    text: &mut Description<'_>,
    to: &Argument<'_>,
    resolver: Rc<dyn Resolve>,
) -> Parsed<Rc<dyn DatagramEndpoint>> {
    let host = host(to)?;
    let port = port(&text.require("port")?)?;
    let bind_address = optional(text.take_named("bindAddress"), bind_address)?;
    Ok(Rc::new(UdpClientEndpoint { host, port, bind_address, resolver }))
}

fn set<T>(
    field: &mut T,
    argument: Option<Argument<'_>>,
    parse: impl Fn(&Argument<'_>) -> Parsed<T>,
) -> Parsed<()> {
    if let Some(argument) = argument {
        *field = parse(&argument)?;
    }
    Ok(())
}

fn optional<T>(
    argument: Option<Argument<'_>>,
    parse: impl Fn(&Argument<'_>) -> Parsed<T>,
) -> Parsed<Option<T>> {
    argument.map(|argument| parse(&argument)).transpose()
}

fn port(argument: &Argument<'_>) -> Parsed<u16> {
    argument.parse("a port number (0 to 65535)")
}

fn fd(text: &mut Description<'_>) -> Parsed<RawFd> {
    let argument = text.require("fileno")?;
    let fd: RawFd = argument.parse("the number of a descriptor")?;
    if fd < 0 {
        return Err(argument.error(format!("{fd} is not the number of a descriptor")));
    }
    Ok(fd)
}

/// An address without the brackets that it may stand in.
fn bare(value: &str) -> &str {
    value.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(value)
}

fn ip(argument: &Argument<'_>) -> Parsed<IpAddr> {
    let value = bare(argument.value());
    value.parse().map_err(|_| {
        // Where an IPv6 address is cut at its first colon, there is little or nothing left.
        let advice = if value.is_empty() { "; ::1 is written [::1]" } else { "" };
        argument.error(format!("{value:?} is not an IP address{advice}"))
    })
}

fn multicast_ip(argument: &Argument<'_>) -> Parsed<IpAddr> {
    let group = ip(argument)?;
    if !group.is_multicast() {
        return Err(argument.error(format!("{group} is not a multicast address")));
    }
    Ok(group)
}

fn bind_address(argument: &Argument<'_>) -> Parsed<SocketAddr> {
    Ok(SocketAddr::new(ip(argument)?, 0))
}

fn interface_of_group(argument: &Argument<'_>) -> Parsed<Interface> {
    if let Ok(index) = argument.value().parse() {
        return Ok(Interface::Index(index));
    }
    Ok(Interface::Address(argument.parse("an interface's IPv4 address or index")?))
}

fn host(argument: &Argument<'_>) -> Parsed<String> {
    match bare(argument.value()) {
        "" => Err(argument.error("the host is empty")),
        host => Ok(host.to_owned()),
    }
}

fn yes_or_no(argument: &Argument<'_>) -> Parsed<bool> {
    match argument.value() {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        other => Err(argument.error(format!("{other:?} is not yes or no"))),
    }
}

/// The most that a timeout may be; more is a mistake.
const SECONDS_MAX: f64 = 1e9;

fn seconds(argument: &Argument<'_>) -> Parsed<Duration> {
    let seconds: f64 = argument.parse("a number of seconds")?;
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(argument.error(format!("{seconds} is not a number of seconds")));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// TCP's keep-alive counts in seconds, and has 15 bits for them.
fn whole_seconds(argument: &Argument<'_>) -> Parsed<Duration> {
    let seconds: u64 = argument.parse("a whole number of seconds")?;
    if !(1..=32_767).contains(&seconds) {
        return Err(argument.error(format!("{seconds} seconds are not between 1 and 32767")));
    }
    Ok(Duration::from_secs(seconds))
}

fn ttl(argument: &Argument<'_>) -> Parsed<u32> {
    argument.parse::<u8>("a ttl (0 to 255)").map(u32::from)
}

fn backlog(argument: &Argument<'_>) -> Parsed<i32> {
    let backlog: i32 = argument.parse("a number of connections")?;
    if backlog < 0 {
        return Err(argument.error(format!("{backlog} is not a number of connections")));
    }
    Ok(backlog)
}

fn octal(argument: &Argument<'_>) -> Parsed<u32> {
    let value = argument.value();
    match u32::from_str_radix(value, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err(argument.error(format!("{value:?} is not a file mode (octal, as in 660)"))),
    }
}

fn unix_address(text: &mut Description<'_>, name: &str) -> Parsed<Address> {
    match text.take_named("abstract") {
        Some(name) => abstract_name(&name),
        None => unix_name(&text.require(name)?),
    }
}

/// A path, or an abstract name after an `@`; a path that begins with one is written `./@`.
fn unix_name(argument: &Argument<'_>) -> Parsed<Address> {
    match argument.value() {
        "" => Err(argument.error("the path is empty")),
        "@" => Err(argument.error("the name is empty")),
        value => Ok(value.strip_prefix('@').map_or_else(|| path_address(value), abstract_address)),
    }
}

fn abstract_name(argument: &Argument<'_>) -> Parsed<Address> {
    match argument.value() {
        "" => Err(argument.error("the name is empty")),
        name => Ok(abstract_address(name)),
    }
}
