//! Many runs in a few figures.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::client::NOTICEABLE;
use crate::report::{human, time_with_two_owners};
use crate::stage::Performance;

/// What a fault may cost. Beside it, two owners are never allowed but where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// 20 ms of outage at the median, 60 ms at worst; no connection fails or is slow.
    HandOver,
    /// The duration of a Lease and 0.3 s of outage.
    Outage(Duration),
    /// The first owner is silent when its term is over, and 0.1 s.
    Silence(Duration),
    /// Nothing.
    Calm,
    /// Clients are refused until the API server's health was asked for three times, and 0.3 s.
    Refused,
    /// Two owners for 250 ms.
    Meeting,
    /// Any outage: one who hears nothing goes on writing for a while, and if its store leads the
    /// others, nobody else can write until they no longer hear it.
    Alone,
}

/// How long the health of a dead API server can be unknown: three questions, a second apart.
const UNKNOWN: Duration = Duration::from_secs(3);

/// One fault and one program.
pub(super) struct Figures {
    fault: String,
    program: String,
    bound: Bound,
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
    pub(super) fn new(fault: &str, program: &str, bound: Bound) -> Self {
        Self {
            fault: fault.to_owned(),
            program: program.to_owned(),
            bound,
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

    /// What it may cost, and whether it cost no more.
    fn judge(&self) -> (String, bool) {
        let mut outages = self.outages.clone();
        outages.sort_unstable();
        let median = outages.get(outages.len() / 2).copied().unwrap_or_default();
        let worst = outages.last().copied().unwrap_or_default();
        let ms = Duration::from_millis;
        let alone = self.two_owners.is_zero();
        match self.bound {
            Bound::HandOver => {
                let calm = self.failed == 0 && self.slow == 0;
                let text = "median 20 ms, worst 60 ms, none failed or slow".to_owned();
                (text, alone && calm && median <= ms(20) && worst <= ms(60))
            }
            Bound::Outage(lease) => {
                let most = lease + ms(300);
                (format!("worst {}", human(most)), alone && worst <= most)
            }
            Bound::Silence(lease) => {
                let most = lease + ms(100);
                (format!("silent after {}", human(most)), alone && self.silent_after <= most)
            }
            Bound::Calm => {
                let calm = self.moves == 0 && worst < NOTICEABLE;
                ("no move, no outage".to_owned(), alone && calm)
            }
            Bound::Refused => {
                let most = UNKNOWN + ms(300);
                (format!("barred for {}", human(most)), alone && self.barred <= most)
            }
            Bound::Meeting => ("two owners for 250 ms".to_owned(), self.two_owners <= ms(250)),
            Bound::Alone => ("one owner".to_owned(), alone),
        }
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
        "bound",
        "kept",
    ]);
    for figures in all {
        let [least, median, worst] = figures.spread();
        let (bound, kept) = figures.judge();
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
            bound,
            if kept { "yes" } else { "NO" }.to_owned(),
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
