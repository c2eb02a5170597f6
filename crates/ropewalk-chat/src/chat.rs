//! [`Chat`]: what all ways into the rooms share, on one thread.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{ChannelFlag, Network, Refusal, Server};

use crate::History;
use crate::recorder::Recorder;

/// The rooms, as one thread sees them. A clone is the same.
#[derive(Clone)]
pub struct Chat(Rc<State>);

struct State {
    server: Server,
    lobby: ChannelName,
    history: RefCell<Option<History>>,
}

impl Chat {
    /// The rooms of `server`'s network. Who comes in is in `lobby` first: it stays when nobody is there, belongs to
    /// nobody, and all may set its topic.
    ///
    /// # Errors
    /// `BadChannelName` if it cannot be called so.
    pub fn open(server: &Server, lobby: &str) -> Result<Self, Refusal> {
        let network = server.network();
        let lobby = network.keep_channel(lobby)?;
        network.set_flag(lobby.as_str(), ChannelFlag::TopicLocked, false)?;
        Ok(Self(Rc::new(State { server: server.clone(), lobby, history: RefCell::default() })))
    }

    /// Gives people what `history` has of the past.
    pub fn set_history(&self, history: &History) {
        self.0.history.replace(Some(history.clone()));
    }

    /// Has `history` keep what is said, from now on: on one thread of a network, since all hear it. What is said in
    /// rooms that are not open to everybody is not kept.
    pub fn record(&self, history: &History) {
        let network = self.network().clone();
        self.0.server.observe(Rc::new(Recorder::new(network, history.clone())));
    }

    /// This thread's part of the network.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// The network.
    pub fn network(&self) -> &Network {
        self.0.server.network()
    }

    /// Where everybody is first.
    pub fn lobby(&self) -> &ChannelName {
        &self.0.lobby
    }

    pub(crate) fn history(&self) -> Option<History> {
        self.0.history.borrow().clone()
    }
}
