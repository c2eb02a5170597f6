//! The names of addresses, all asked for at once: `cargo run --example rdns -- 9.9.9.9 192.0.2.1 2620:fe::fe`.
//!
//! It takes as long as the slowest of them.

use std::io::Write;
use std::net::IpAddr;

use ropewalk::{DeferredList, DeferredListOptions, Failure, ListResult, SystemNames, net};

fn main() -> Result<(), Failure> {
    let texts = std::env::args().skip(1);
    let addresses: Vec<IpAddr> = texts.map(|text| text.parse()).collect::<Result<_, _>>()?;
    let main_loop = net::new_loop(None)?;
    let resolver = main_loop.run_until(SystemNames::new(main_loop.reactor()).resolver())?;
    let lookups = addresses.iter().map(|address| resolver.lookup_pointer(*address)).collect();
    let all = DeferredList::new(lookups, DeferredListOptions::default());
    let ListResult::All(results) = main_loop.run_until(all)? else { return Ok(()) };
    for (address, result) in addresses.iter().zip(results) {
        let told = result.map_or_else(|failure| failure.to_string(), |names| format!("{names:?}"));
        writeln!(std::io::stdout(), "{address}\t{told}")?;
    }
    Ok(())
}
