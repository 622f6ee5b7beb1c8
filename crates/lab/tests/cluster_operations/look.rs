//! What `kube-vip preflight` and `verify` say, on a node and on the workstation.

use std::path::Path;

use serde_json::Value;

use crate::site::{Site, given};

/// A report: rows by their checks.
pub(crate) struct Look {
    document: Value,
}

impl Look {
    /// Runs a command of kube-vip's on a node; it has to end with this exit code.
    pub(crate) fn on_node(site: &mut Site, node: &str, command: &str, code: i32) -> Self {
        let command = shell(command);
        let ran = site.run(&format!("ssh {node} '{command}'"));
        assert_eq!(ran.status.code(), Some(code), "{command} on {node}:\n{}", ran.said);
        Self::of(&ran.said)
    }

    /// Runs a command of kube-vip's on the workstation until nothing is wrong.
    pub(crate) fn until_good(site: &mut Site, command: &str) -> Self {
        Self::of(&site.comes("nothing is wrong", &shell(command)))
    }

    fn of(said: &str) -> Self {
        let document = serde_json::from_str(said);
        Self { document: document.unwrap_or_else(|error| panic!("{error}:\n{said}")) }
    }

    /// The rows as check and result, without repetitions.
    fn rows(&self) -> Vec<(&str, &str)> {
        let rows = self.document["rows"].as_array().expect("a report has rows");
        let mut rows: Vec<_> =
            rows.iter().map(|row| (text(&row["check"]), text(&row["result"]))).collect();
        rows.dedup();
        rows
    }

    /// Every row of these checks has this result.
    pub(crate) fn are(&self, checks: &[&str], result: &str) {
        for check in checks {
            let rows = self.rows().into_iter().filter(|(name, _)| name == check);
            let results: Vec<&str> = rows.map(|(_, result)| result).collect();
            assert_eq!(results, [result], "{check} in {:#}", self.document);
        }
    }

    /// What failed is of these checks alone.
    pub(crate) fn fails_only(&self, checks: &[&str]) {
        let mut failed = self.rows();
        failed.retain(|(_, result)| *result == "failed" || *result == "unknown");
        let failed: Vec<&str> = failed.into_iter().map(|(check, _)| check).collect();
        assert_eq!(failed, checks, "{:#}", self.document);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("every row has a check and a result")
}

/// The command as an operator types it who has the program on the PATH, with its rows as JSON.
fn shell(command: &str) -> String {
    let program = given("KUBE_VIP_BIN");
    let folder = Path::new(&program).parent().expect("a program is in a directory").display();
    format!("PATH=$PATH:{folder}; {command} --output json")
}
