//! Many runs in a few figures.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::report::{human, time_with_two_owners};
use crate::stage::Performance;

/// One fault and one program.
pub(super) struct Figures {
    fault: String,
    program: String,
    outages: Vec<Duration>,
    tried: u64,
    failed: u64,
    slow: u64,
    /// The longest time for which connections were refused or failed.
    barred: Duration,
    /// The longest time for which the first owner went on answering.
    silent_after: Duration,
    /// The most that the address moved in one run.
    moves: usize,
    two_owners: Duration,
    disturbed: usize,
    /// What the oracle found.
    pub(super) broken: Vec<String>,
}

/// What the daemons of one program use when nothing happens.
pub(super) struct Rest {
    pub(super) name: String,
    /// Bytes, one for each node.
    pub(super) resident: Vec<u64>,
    /// Processor time, one for each node.
    pub(super) used: Vec<Duration>,
    /// In how much time.
    pub(super) span: Duration,
}

impl Figures {
    pub(super) fn new(fault: &str, program: &str) -> Self {
        Self {
            fault: fault.to_owned(),
            program: program.to_owned(),
            outages: Vec::new(),
            tried: 0,
            failed: 0,
            slow: 0,
            barred: Duration::ZERO,
            silent_after: Duration::ZERO,
            moves: 0,
            two_owners: Duration::ZERO,
            disturbed: 0,
            broken: Vec::new(),
        }
    }

    /// One more run. Safety is judged in every one; times only where the machine was calm.
    pub(super) fn add(&mut self, performance: &Performance) {
        let run = &performance.run;
        self.two_owners = self.two_owners.max(time_with_two_owners(&run.timeline));
        self.silent_after = self.silent_after.max(performance.silent_after().unwrap_or_default());
        self.moves = self.moves.max(performance.moves());
        let broken = performance.verdict.violations.iter();
        self.broken.extend(broken.map(|v| format!("{}, {}: {v}", self.fault, self.program)));
        if run.client.disturbed() {
            self.disturbed += 1;
            return;
        }
        self.outages.push(run.outage());
        self.tried += run.client.service.connects.tried;
        self.failed += run.failed();
        self.barred = self.barred.max(run.client.service.connects.barred);
        self.slow += run.client.service.connects.slow;
    }

    /// Least, median and greatest outage.
    fn spread(&self) -> [String; 3] {
        let mut outages = self.outages.clone();
        outages.sort_unstable();
        let at = |index: usize| outages.get(index).map_or("–".to_owned(), |span| human(*span));
        [at(0), at(outages.len() / 2), at(outages.len().saturating_sub(1))]
    }
}

/// A row for each fault and program.
pub(super) fn table(all: &[Figures]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "fault",
        "program",
        "runs",
        "noise",
        "outage least",
        "median",
        "worst",
        "connects",
        "failed",
        "slow",
        "barred for",
        "first owner silent after",
        "moves",
        "two owners",
    ]);
    for figures in all {
        let [least, median, worst] = figures.spread();
        table.add_row([
            figures.fault.clone(),
            figures.program.clone(),
            figures.outages.len().to_string(),
            figures.disturbed.to_string(),
            least,
            median,
            worst,
            figures.tried.to_string(),
            figures.failed.to_string(),
            figures.slow.to_string(),
            human(figures.barred),
            human(figures.silent_after),
            figures.moves.to_string(),
            human(figures.two_owners),
        ]);
    }
    right(&mut table, 2);
    table.trim_fmt()
}

/// A row for each program.
pub(super) fn rest_table(all: &[Rest]) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "program",
        "resident, most",
        "CPU of a core, most",
        "measured for",
    ]);
    for rest in all {
        let resident = rest.resident.iter().max().copied().unwrap_or_default();
        let used = rest.used.iter().max().copied().unwrap_or_default();
        let share = used.as_secs_f64() / rest.span.as_secs_f64() * 100.0;
        table.add_row([
            rest.name.clone(),
            format!("{} KiB", resident / 1024),
            format!("{share:.3} %"),
            format!("{:.0} s", rest.span.as_secs_f64()),
        ]);
    }
    right(&mut table, 1);
    table.trim_fmt()
}

fn right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
