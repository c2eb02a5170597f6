//! Which crate may depend on which: only on those of a lower layer.
//!
//! The table is the one in ARCHITECTURE. A protocol crate that cannot reach the sockets cannot quietly
//! begin to use them. What only tests use is not looked at.

use super::Complaints;
use crate::workspace::{Package, Workspace};

/// Every crate of the product and its layer. A new crate is entered here first.
const LAYERS: &[(&str, u8)] = &[
    ("ropewalk-core", 0),
    ("ropewalk-framing", 1),
    ("ropewalk-testing", 1),
    ("ropewalk-net", 2),
    ("ropewalk-tls", 2),
    ("ropewalk-http", 2),
    ("ropewalk-dns", 2),
    ("ropewalk-mail", 2),
    ("ropewalk-irc", 2),
    ("ropewalk-nats", 2),
    ("ropewalk-db", 2),
    ("ropewalk-glib", 2),
    ("ropewalk-qt", 2),
    ("ropewalk-tokio", 2),
    ("ropewalk-web", 3),
    ("ropewalk-app", 3),
    ("ropewalk-chat", 3),
    ("ropewalk", 4),
    ("ropewalk-cli", 4),
];

/// Who may use whom on their own layer: what stands on sockets, the flagship on the web, and the command on the facade.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("ropewalk-tls", "ropewalk-net"),
    ("ropewalk-glib", "ropewalk-net"),
    ("ropewalk-qt", "ropewalk-net"),
    ("ropewalk-tokio", "ropewalk-net"),
    ("ropewalk-chat", "ropewalk-web"),
    ("ropewalk-cli", "ropewalk"),
];

pub(super) fn check(workspace: &Workspace) -> Complaints {
    let is_ours = |name: &str| workspace.package(name).is_some();
    Ok(workspace.product().flat_map(|package| complaints_about(package, is_ours)).collect())
}

fn complaints_about(package: &Package, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    if layer(&package.name).is_none() {
        return vec![format!(
            "{} has no layer: enter it in xtask/src/tidy/layers.rs",
            package.name
        )];
    }
    let ours = package.dependencies.iter().filter(|name| is_ours(name));
    let wrong = ours.filter(|used| !may_use(&package.name, used));
    wrong.map(|used| format!("{} may not use {used}: it is not below it", package.name)).collect()
}

fn may_use(user: &str, used: &str) -> bool {
    NEIGHBOURS.contains(&(user, used)) || layer(used).is_some_and(|used| Some(used) < layer(user))
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_uses_what_is_below_it() {
        assert!(may_use("ropewalk-http", "ropewalk-framing"));
        assert!(may_use("ropewalk-chat", "ropewalk-net"));
        assert!(may_use("ropewalk-tls", "ropewalk-net"));
    }

    #[test]
    fn a_protocol_crate_does_not_reach_the_sockets() {
        assert!(!may_use("ropewalk-http", "ropewalk-net"));
        assert!(!may_use("ropewalk-core", "ropewalk-framing"));
        assert!(!may_use("ropewalk-core", "xtask"));
    }

    #[test]
    fn a_crate_without_a_layer_is_told_where_to_enter_it() {
        let package = Package { name: "ropewalk-new".into(), ..Package::default() };
        assert!(complaints_about(&package, |_| true)[0].contains("has no layer"));
    }
}
