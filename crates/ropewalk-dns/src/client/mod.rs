//! The client: questions to servers, and what is believed of what they say.

mod answer;
mod deadlines;
mod dial;
mod error;
mod exchange;
mod hear;
mod limits;
mod lookup;
mod name_server;
mod query;
mod records;
mod resolver;
mod response;
mod shared;
mod stream;
mod udp_ports;

pub use answer::Answer;
pub use dial::Dial;
pub use error::LookupError;
pub use exchange::Exchanger;
pub use limits::ClientLimits;
pub use lookup::{LookupOptions, Servers};
pub use name_server::{NameServer, Via};
pub use query::{QueryOptions, Question};
pub use resolver::{Resolver, ResolverOptions};
pub use response::{MessageRecord, Response};

pub(crate) use hear::{Hear, Heard};
pub(crate) use query::Asked;
pub(crate) use shared::Shared;
pub(crate) use udp_ports::UdpPorts;
