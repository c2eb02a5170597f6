//! [`Workspace`]: the crates as cargo itself lists them.
//!
//! Read from `cargo metadata --no-deps`, so that no manifest is parsed twice in two ways.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Trouble;
use crate::cargo::cargo;

/// Every crate of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One crate.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The directory of its manifest.
    pub(crate) dir: PathBuf,
    /// The names of what it depends on outside of its tests and build script.
    pub(crate) dependencies: Vec<String>,
    pub(crate) targets: Vec<Target>,
    /// Whether a bare `cargo run` considers it.
    pub(crate) is_default: bool,
}

/// A library, program, example, bench or test of a crate.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `lib`, `bin`, `example`, `bench`, `test` …
    pub(crate) kind: String,
    /// Its first source file.
    pub(crate) door: PathBuf,
}

/// The directory of the workspace: the one above this crate's.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self, Trouble> {
        let output = cargo(["metadata", "--format-version", "1", "--no-deps"]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(Self::from_metadata(&serde_json::from_slice(&output.stdout)?))
    }

    fn from_metadata(metadata: &Value) -> Self {
        let defaults = list(&metadata["workspace_default_members"]);
        let package = |value: &Value| Package {
            name: text(&value["name"]),
            dir: PathBuf::from(text(&value["manifest_path"])).parent().expect("a file").into(),
            dependencies: normal_dependencies(&value["dependencies"]),
            targets: list(&value["targets"]).iter().map(target).collect(),
            is_default: defaults.contains(&value["id"]),
        };
        Self {
            root: text(&metadata["workspace_root"]).into(),
            packages: list(&metadata["packages"]).iter().map(package).collect(),
        }
    }

    /// The crate of that name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The crates of the product: those under `crates/`.
    pub(crate) fn product(&self) -> impl Iterator<Item = &Package> {
        let crates = self.root.join("crates");
        self.packages.iter().filter(move |package| package.dir.starts_with(&crates))
    }
}

impl Package {
    /// The names of its targets of one kind.
    pub(crate) fn targets_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.targets.iter().filter(move |target| target.kind == kind).map(|t| t.name.as_str())
    }
}

fn target(value: &Value) -> Target {
    Target {
        name: text(&value["name"]),
        kind: text(&value["kind"][0]),
        door: text(&value["src_path"]).into(),
    }
}

fn normal_dependencies(dependencies: &Value) -> Vec<String> {
    let is_normal = |dependency: &&Value| dependency["kind"].is_null();
    list(dependencies).iter().filter(is_normal).map(|d| text(&d["name"])).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_tests_and_build_scripts_are_not_normal() {
        let metadata = serde_json::json!({
            "workspace_root": "/w",
            "workspace_default_members": ["a-id"],
            "packages": [{
                "name": "a", "id": "a-id", "manifest_path": "/w/crates/a/Cargo.toml",
                "dependencies": [
                    {"name": "b", "kind": null},
                    {"name": "c", "kind": "dev"},
                    {"name": "d", "kind": "build"},
                ],
                "targets": [{"name": "a", "kind": ["lib"], "src_path": "/w/crates/a/src/lib.rs"}],
            }],
        });
        let workspace = Workspace::from_metadata(&metadata);
        let package = workspace.package("a").expect("it is listed");
        assert_eq!(package.dependencies, ["b"]);
        assert!(package.is_default);
        assert_eq!(package.targets_of("lib").collect::<Vec<_>>(), ["a"]);
        assert_eq!(workspace.product().count(), 1);
    }
}
