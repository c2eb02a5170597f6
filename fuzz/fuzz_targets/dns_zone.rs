//! A server of one zone that has a bit of everything, for several targets.

use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_dns::KeyRing;
use ropewalk_dns::server::{Access, Server, ServerSettings};
use ropewalk_dns::transfer::Bells;
use ropewalk_dns::zone::{Authority, AuthoritySettings, Catalogue, read_zone};

const ZONE: &str = "
$TTL 60
@       SOA   ns hostmaster 1 3600 600 86400 30
        NS    ns
        MX    10 ns
        NSEC  ns A SOA NS NSEC
ns      A     192.0.2.1
        NSEC  x.wild A NSEC
www     CNAME ns
ring    CNAME ring
*.wild  A     192.0.2.4
a.b.ent TXT   \"deep\"
sub     NS    ns.sub
ns.sub  A     192.0.2.5
dn      DNAME wild
dn2     DNAME dn2.dn2
x.wild  NSEC  @ NSEC
$GENERATE 1-50 many A 10.0.0.$
$GENERATE 1-50 many TXT \"some text of which there is too much: ${0,100}\"
";

pub(crate) fn server() -> Server {
    let include = &mut |_: &str, _: &str| Err(String::new());
    let apex = "example".parse().expect("a name");
    let (zone, _) = read_zone(Some(&apex), "", ZONE.as_bytes(), include).expect("a zone");
    let catalogue = Catalogue::new();
    catalogue.put(Arc::new(zone));
    let (transfer_to, bells) = (Access::everybody(), Bells::default());
    bells.hang(b"\x07example\0", Access::everybody());
    let authority = Authority::with_settings(&catalogue, AuthoritySettings { transfer_to, bells });
    let key = "example:c2VjcmV0".parse().expect("a key");
    let keys = KeyRing::new(vec![key], || SystemTime::UNIX_EPOCH);
    Server::new(authority, ServerSettings { keys, ..ServerSettings::default() })
}
