//! The records of `deployments/records.txt`: what stands in a manifest, and what is made of it.

use std::collections::BTreeMap;

const TEXT: &str = include_str!("../deployments/records.txt");

/// One deployment.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What it is.
    pub(crate) title: &'static str,
    /// Interfaces, each with its addresses with prefix length.
    pub(crate) links: Vec<(&'static str, Vec<&'static str>)>,
    /// The environment of the container.
    pub(crate) environment: BTreeMap<String, String>,
    /// The command, `manager` if none is written.
    pub(crate) command: &'static str,
    /// What stands behind it.
    pub(crate) args: Vec<&'static str>,
    /// What names stand for.
    pub(crate) hosts: Vec<(&'static str, &'static str)>,
    /// The namespace of the service account.
    pub(crate) pod: Option<&'static str>,
    /// What is to come of it.
    pub(crate) starts: Option<&'static str>,
    /// The warnings of a daemon that starts: each how it begins.
    pub(crate) warns: Vec<&'static str>,
    /// What keeps the daemon from starting: `SETTING: PART OF WHY`.
    pub(crate) refuses: Vec<&'static str>,
    /// The command line itself is refused.
    pub(crate) no_command_line: bool,
}

impl Record {
    /// The whole command line.
    pub(crate) fn command_line(&self) -> Vec<&'static str> {
        ["kube-vip", self.command].into_iter().chain(self.args.iter().copied()).collect()
    }

    fn line(&mut self, line: &'static str) {
        let (key, text) = line.split_once(':').expect("every line has a key");
        let text = text.trim();
        match key {
            "links" => self.links.extend(text.split(',').map(|link| {
                let mut words = link.split_whitespace();
                (words.next().expect("an interface has a name"), words.collect())
            })),
            "env" => self.environment.extend(text.split_whitespace().map(|pair| {
                let (name, value) = pair.split_once('=').expect("a variable has a value");
                (name.to_owned(), value.to_owned())
            })),
            "hosts" => self.hosts.push(text.split_once(' ').expect("an address and a name")),
            "command" => self.command = text,
            "args" => self.args.extend(text.split_whitespace()),
            "pod" => self.pod = Some(text),
            "starts" => self.starts = Some(text),
            "warns" => self.warns.push(text),
            "refuses" => self.refuses.push(text),
            "command-line" => self.no_command_line = true,
            _ => panic!("{}: what is {key}?", self.title),
        }
    }
}

/// All records, each with exactly one outcome.
pub(crate) fn all() -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for line in TEXT.lines().skip_while(|line| !line.starts_with("===")) {
        if let Some(title) = line.strip_prefix("=== ") {
            records.push(Record { title, command: "manager", ..Record::default() });
        } else if !line.is_empty() {
            records.last_mut().expect("a record has begun").line(line);
        }
    }
    for record in &records {
        let outcomes =
            [record.starts.is_some(), !record.refuses.is_empty(), record.no_command_line];
        let count = outcomes.iter().filter(|outcome| **outcome).count();
        assert_eq!(count, 1, "{}: it starts or it is refused", record.title);
        assert!(record.warns.is_empty() || record.starts.is_some(), "{}", record.title);
    }
    records
}
