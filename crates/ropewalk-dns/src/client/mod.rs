//! The client: questions to servers, and what is believed of what they say.

mod deadlines;
mod dial;
mod error;
mod exchange;
mod hear;
mod limits;
mod name_server;
mod query;
mod response;
mod stream;
mod udp_ports;

pub use dial::Dial;
pub use error::LookupError;
pub use exchange::Exchanger;
pub use limits::ClientLimits;
pub use name_server::{NameServer, Via};
pub use query::{QueryOptions, Question};
pub use response::{MessageRecord, Response};
