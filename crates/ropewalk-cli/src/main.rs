//! The `ropewalk` command: the programs that come with Ropewalk.
//!
//! What was asked wrongly (an unknown option, a bad endpoint string, a port in use) is one line on standard
//! error and exit status 2. A program that runs stops on SIGINT and SIGTERM, cleanly, with status 0.
#![forbid(unsafe_code)]

mod chat;
mod dns;
mod echo;
mod get;
mod irc_file;
mod lookup;
mod lookup_output;
mod program;
mod progress;
mod proxy;
mod rdns;
mod rdns_input;
mod rdns_output;
mod web;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use ropewalk::FailureKind;

/// An event-driven networking engine, and the programs that come with it.
#[derive(Parser)]
#[command(name = "ropewalk", version, arg_required_else_help = false)]
struct Arguments {
    /// How to wait for the system: epoll, uring, poll or select [default: the best that works]
    #[arg(long, global = true, value_name = "NAME")]
    reactor: Option<String>,
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Write back what is received, on every endpoint
    Echo(echo::Options),
    /// Keep chat rooms for browsers, for clients of IRC, and over plain lines for nc and telnet
    Chat(chat::Options),
    /// Serve the files of a directory over HTTP
    Web(web::Options),
    /// Answer questions about names, from zone files
    Dns(dns::Options),
    /// Fetch a URL
    Get(get::Options),
    /// Ask name servers
    Lookup(lookup::Options),
    /// Look up the names of very many addresses
    Rdns(rdns::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return program::explain(&error),
    };
    program::log_to_stderr();
    let reactor = arguments.reactor.as_deref();
    let ran = match arguments.program {
        Program::Get(options) => get::run(reactor, options),
        Program::Lookup(options) => match lookup::run(reactor, &options) {
            Ok(status) => return status,
            Err(failure) => Err(failure),
        },
        Program::Rdns(options) => match rdns::run(reactor, &options) {
            Ok(status) => return status,
            Err(failure) => Err(failure),
        },
        Program::Web(options) => {
            let options = Arc::new(options);
            let shared = options.clone();
            program::run(reactor, &options.crew, move |place, reactor| {
                web::start(place, reactor, &shared)
            })
        }
        Program::Echo(options) => {
            let options = Arc::new(options);
            let shared = options.clone();
            program::run(reactor, &options.crew, move |place, reactor| {
                echo::start(place, reactor, &shared)
            })
        }
        Program::Dns(options) => dns::prepare(&options).and_then(|common| {
            let options = Arc::new(options);
            let shared = options.clone();
            program::run(reactor, &options.crew, move |place, reactor| {
                dns::start(place, reactor, &shared, &common)
            })
        }),
        Program::Chat(options) => chat::prepare(&options).and_then(|common| {
            let options = Arc::new(options);
            let shared = options.clone();
            program::run(reactor, &options.crew, move |place, reactor| {
                chat::start(place, reactor, &shared, &common)
            })
        }),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        // While it was being set up.
        Err(failure) if failure.is(FailureKind::Stopped) => ExitCode::SUCCESS,
        Err(failure) => program::complain(&failure),
    }
}
