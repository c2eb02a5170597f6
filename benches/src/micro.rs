//! Single operations of the heart: reads what criterion found, and shows it.
//!
//! `cargo xtask bench micro` runs criterion first (`benches/benches/heart.rs`), which leaves its results under the target
//! directory.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::figures::{Operation, Section};
use crate::foreign;
use crate::machine::Build;
use crate::table::Table;

/// Reads the results of the last run.
///
/// # Errors
///
/// If there are none.
pub fn measure() -> io::Result<Section> {
    let results = foreign::directory()?.with_file_name("criterion");
    let mut operations = Vec::new();
    for entry in fs::read_dir(&results)? {
        operations.extend(operation(&entry?.path().join("new")));
    }
    if operations.is_empty() {
        return Err(io::Error::other(
            "criterion has left no results: run `cargo xtask bench micro`",
        ));
    }
    operations.sort_by(|one, other| one.name.cmp(&other.name));
    let how = "by criterion, medians".to_owned();
    Ok(Section { build: Build::here(), how, operations, ..Section::default() })
}

/// Shows.
pub fn table(section: &Section) -> Table {
    let mut table = Table::new(["operation", "ns"]);
    for operation in &section.operations {
        table.row([operation.name.clone(), format!("{:.1}", operation.nanos)]);
    }
    table
}

fn operation(directory: &Path) -> Option<Operation> {
    let read = |name: &str| -> Option<Value> {
        serde_json::from_slice(&fs::read(directory.join(name)).ok()?).ok()
    };
    let name = read("benchmark.json")?["full_id"].as_str()?.to_owned();
    let nanos = read("estimates.json")?["median"]["point_estimate"].as_f64()?;
    Some(Operation { name, nanos })
}
