//! [`Servers`]: one question over several servers, until one of them has an answer.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::OptRcode;
use ropewalk_core::{Deferred, Failure, FailureKind};

use super::error::LookupError;
use super::exchange::Exchanger;
use super::name_server::NameServer;
use super::query::{QueryOptions, Question};
use super::response::Response;

/// Servers that all know the same, asked one after the other.
pub struct Servers {
    exchanger: Exchanger,
    list: Vec<Rc<NameServer>>,
    options: LookupOptions,
    /// Where the next question begins, with `rotate`.
    first: Cell<usize>,
}

/// How several servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupOptions {
    /// How long to wait for a server's answer in the first round. In each later one all servers together have twice what
    /// one had in the round before. Default 5 s.
    pub timeout: Duration,
    /// Rounds in which the servers are asked. Default 2.
    pub attempts: u32,
    /// Whether to begin with another server each time. Default no.
    pub rotate: bool,
    /// How the question is asked.
    pub query: QueryOptions,
}

impl Default for LookupOptions {
    fn default() -> Self {
        let query = QueryOptions::default();
        Self { timeout: Duration::from_secs(5), attempts: 2, rotate: false, query }
    }
}

impl Servers {
    /// Asks these servers by `exchanger`, in this order.
    pub fn new(
        exchanger: &Exchanger,
        list: Vec<Rc<NameServer>>,
        options: LookupOptions,
    ) -> Rc<Self> {
        Rc::new(Self { exchanger: exchanger.clone(), list, options, first: Cell::new(0) })
    }

    /// Who is asked.
    pub fn list(&self) -> &[Rc<NameServer>] {
        &self.list
    }

    /// How they are asked.
    pub fn options(&self) -> &LookupOptions {
        &self.options
    }

    /// Asks one server after the other. One that has failed lately comes last.
    ///
    /// # Fires
    /// With the first answer that says something of the name: records, that there are none, or that it does not exist.
    ///
    /// # Errors
    /// If no server has one, what the first that answered said instead: [`LookupError::Refused`],
    /// [`LookupError::ServerFailed`]; if none answered, [`LookupError::TimedOut`] with all of them, or why the last could
    /// not be reached. `Local` if there are no servers.
    pub fn ask(self: &Rc<Self>, question: &Question) -> Deferred<Response> {
        let asking = Rc::new(Asking {
            servers: self.clone(),
            order: self.order(),
            question: question.clone(),
            complaint: RefCell::new(None),
            silent: RefCell::new(Vec::new()),
            waited: Cell::new(Duration::ZERO),
        });
        if self.list.is_empty() {
            let why = "there is no name server to ask";
            return Deferred::fail(Failure::new(FailureKind::Local, why));
        }
        asking.try_one(0, 0)
    }

    fn order(&self) -> Vec<Rc<NameServer>> {
        let mut order = self.list.clone();
        if self.options.rotate && !order.is_empty() {
            let first = self.first.get() % order.len();
            self.first.set(first + 1);
            order.rotate_left(first);
        }
        let now = self.exchanger.reactor().now();
        order.sort_by_key(|server| server.is_resting(now));
        order
    }
}

/// One question under way.
struct Asking {
    servers: Rc<Servers>,
    order: Vec<Rc<NameServer>>,
    question: Question,
    /// The first answer that was none.
    complaint: RefCell<Option<LookupError>>,
    silent: RefCell<Vec<SocketAddr>>,
    waited: Cell<Duration>,
}

impl Asking {
    fn try_one(self: Rc<Self>, round: u32, place: usize) -> Deferred<Response> {
        let servers = &self.servers;
        let (server, timeout) = (&self.order[place], self.timeout(round));
        let asked = servers.exchanger.ask(server, &self.question, &servers.options.query, timeout);
        let begun = servers.exchanger.reactor().now();
        asked.add_both(move |result| {
            let now = self.servers.exchanger.reactor().now();
            self.waited.set(self.waited.get() + now.since(begun));
            match result {
                Ok(response) if says_something(&response) => Deferred::succeed(response),
                Ok(response) => {
                    self.complain(&response);
                    self.go_on(round, place, None)
                }
                // Neither is going to be another's fault.
                Err(failure)
                    if matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Limit) =>
                {
                    Deferred::fail(failure)
                }
                Err(failure) => {
                    self.silent.borrow_mut().push(self.order[place].address());
                    self.go_on(round, place, Some(failure))
                }
            }
        })
    }

    /// The next server, or the next round for those that were silent.
    fn go_on(
        self: Rc<Self>,
        round: u32,
        place: usize,
        failure: Option<Failure>,
    ) -> Deferred<Response> {
        if place + 1 < self.order.len() {
            return self.try_one(round, place + 1);
        }
        // Who has answered will not say anything else so soon.
        let complaint = self.complaint.borrow_mut().take();
        if let Some(complaint) = complaint {
            return Deferred::fail(complaint.into_failure());
        }
        if round + 1 < self.servers.options.attempts {
            return self.try_one(round + 1, 0);
        }
        let timed_out = failure.as_ref().is_none_or(|failure| failure.is(FailureKind::Timeout));
        match failure {
            Some(failure) if !timed_out => Deferred::fail(failure),
            _ => Deferred::fail(self.timed_out().into_failure()),
        }
    }

    fn timed_out(&self) -> LookupError {
        let mut servers = self.silent.take();
        let mut seen = Vec::new();
        servers.retain(|server| {
            !seen.contains(server) && {
                seen.push(*server);
                true
            }
        });
        let (question, after) = (self.question.clone(), self.waited.get());
        LookupError::TimedOut { question, servers, after }
    }

    fn complain(&self, response: &Response) {
        let (question, server) = (self.question.clone(), response.server());
        let mut complaint = self.complaint.borrow_mut();
        if complaint.is_none() {
            let lame = LookupError::Refused { question: question.clone(), server };
            let said = LookupError::from_rcode(response.rcode(), question, server);
            *complaint = Some(said.unwrap_or(lame));
        }
    }

    /// As the system's resolver has it: twice as long each round, for all servers together.
    fn timeout(&self, round: u32) -> Duration {
        let doubled = self.servers.options.timeout * (1 << round.min(ROUNDS_THAT_DOUBLE));
        if round == 0 {
            return doubled;
        }
        let shares = u32::try_from(self.order.len()).unwrap_or(1);
        (doubled / shares).max(Duration::from_secs(1))
    }
}

/// After so many rounds waiting longer is of no use.
const ROUNDS_THAT_DOUBLE: u32 = 5;

/// Whether an answer says what becomes of the name. An empty one of a server that neither is an authority nor asks others
/// only says that it does not know.
fn says_something(response: &Response) -> bool {
    let knows = response.is_authoritative() || response.recursion_available();
    match response.rcode() {
        OptRcode::NXDOMAIN => true,
        OptRcode::NOERROR => knows || response.answers().next().is_some(),
        _ => false,
    }
}
