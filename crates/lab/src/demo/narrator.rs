//! Tells what happens while it happens: lines, and on a terminal what is being waited for.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt::Interrupt;
use crate::report;
use crate::stage::{Act, Audience, Performance, Stage, Take};
use crate::sys::clock::Stamp;
use crate::timeline::{Timeline, What};

/// Columns of a strip.
const STRIP: usize = 72;

/// Writes to stdout; if that is a terminal, with a spinner below the lines.
pub(super) struct Narrator<'a> {
    interrupt: &'a Interrupt,
    bar: Option<ProgressBar>,
    doing: String,
    names: Timeline,
    began: Stamp,
    seen: usize,
}

impl<'a> Narrator<'a> {
    pub(super) fn new(interrupt: &'a Interrupt) -> Self {
        let bar = io::stdout().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            // The template is a constant that parses.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let (doing, names) = (String::new(), Timeline::default());
        Self { interrupt, bar, doing, names, began: Stamp::now(), seen: 0 }
    }

    /// What is being waited for.
    pub(super) fn doing(&mut self, what: &str) {
        what.clone_into(&mut self.doing);
        if let Some(bar) = &self.bar {
            bar.set_message(self.doing.clone());
        }
    }

    /// A line of its own. A terminal that is gone makes nobody miss it.
    pub(super) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => drop(writeln!(io::stdout(), "{text}")),
        }
    }

    /// An act is over: its strip.
    pub(super) fn told(&self, act: &Performance, heir: &str) {
        let outage = report::human(act.run.outage());
        self.line(&format!("\n{}", report::strip(&act.run.timeline, STRIP)));
        self.line(&format!("{heir} took over; the client was without an answer for {outage}.\n"));
    }

    /// No more spinner.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Tells what was noted since the last time.
    fn follow(&mut self, stage: &Stage) {
        let news = stage.world().journal().after(self.seen);
        self.seen += news.len();
        for (at, what) in news {
            // These are many; slow connections are counted in the end.
            if !matches!(what, What::Renewed { .. } | What::Announced { .. } | What::Slow(_)) {
                let at = at.since(self.began).as_secs_f64();
                self.line(&format!("{at:>9.3} s  {}", self.names.describe(&what)));
            }
        }
    }
}

impl Audience for Narrator<'_> {
    fn begins(&mut self, stage: &Stage, take: &Take) {
        let nodes = stage.world().nodes().iter();
        self.names.nodes = nodes.map(|node| node.name().to_owned()).collect();
        self.began = take.started();
        self.seen = stage.world().journal().count();
    }

    fn waits_for(&mut self, what: &str) {
        self.doing(&format!("waiting for {what}"));
    }

    fn strikes(&mut self, act: &Act, owner: &str) {
        self.line(&format!("── {owner}: {} ── {}", act.title, act.story));
    }

    fn looks(&mut self, stage: &Stage, take: &Take) -> bool {
        self.follow(stage);
        if let Some(bar) = &self.bar {
            let glance = take.client().glance();
            let client = glance.silent_since.map_or_else(
                || "the client gets answers".to_owned(),
                |since| format!("no answer for {}", report::human(Stamp::now().since(since))),
            );
            let (tried, failed) = (glance.tried, glance.failed);
            bar.set_message(format!(
                "{}; {client}; {failed} of {tried} connects failed",
                self.doing
            ));
        }
        !self.interrupt.happened()
    }
}
