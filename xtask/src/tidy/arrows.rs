//! Which crate may depend on which: everything points to the core, and the core to nothing.

use super::rules::{Finding, Rule};
use crate::workspace::{Metadata, Package};

/// All that the core may use.
const CORE_MAY_USE: [&str; 2] = ["serde", "thiserror"];
/// Who must not depend on whom. The lab drives any program with kube-vip's interface, so it must
/// not be built with the daemon; tests may compare the two.
const FORBIDDEN: [(&str, &str); 6] = [
    ("kube-vip", "kube-vip-lab"),
    ("kube-vip-lab", "kube-vip"),
    ("kube-vip-measure", "kube-vip"),
    ("kube-vip-measure", "kube-vip-lab"),
    ("kube-vip", "xtask"),
    ("kube-vip-lab", "xtask"),
];

/// The dependencies that turn an arrow round.
pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        for used in uses(package) {
            let core = package.name == "kube-vip-core" && !CORE_MAY_USE.contains(&used);
            if core || FORBIDDEN.contains(&(package.name.as_str(), used)) {
                let text = format!("{} must not depend on {used}", package.name);
                findings.push(Finding::of(Rule::Arrow, "Cargo.toml", 1, text));
            }
        }
    }
    findings
}

/// What a package depends on for other things than its tests.
fn uses(package: &Package) -> impl Iterator<Item = &str> {
    let dependencies = package.dependencies.iter();
    dependencies
        .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
        .map(|dependency| dependency.name.as_str())
}

#[cfg(test)]
mod tests;
