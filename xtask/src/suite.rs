//! `cargo xtask test`: everything that can be tested, in four parts.
//!
//! Which part an integration test belongs to is told by the name of its file, so that a new file
//! needs no change here; see [`Part::of`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::assets::{self, AssetsError};
use crate::cache::{Cache, CacheError};
use crate::console::{self, StepError};
use crate::dist::{self, DistError, TestImage};
use crate::workspace::{self, Metadata, WorkspaceError};

/// The tests cannot be run, or did not all pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuiteError {
    /// There is no such part.
    #[error("no tests called {0:?}; there are unit, sim, kernel and cluster")]
    Unknown(String),
    /// Real pods need a real runtime.
    #[error(
        "the cluster tests run kubelet and containerd, which need root: run `sudo -E env \
         PATH=\"$PATH\" cargo xtask test`, or as you are `cargo xtask test unit`, `sim` and \
         `kernel`"
    )]
    NotRoot,
    /// A part has nothing to run: its files were renamed.
    #[error("no integration test in crates/*/tests belongs to {0}")]
    Empty(&'static str),
    /// Some steps failed; what they said is above.
    #[error("failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Assets(#[from] AssetsError),
    #[error(transparent)]
    Dist(#[from] DistError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// A part of the tests, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Tests beside the code, golden files, examples in the documentation.
    Unit,
    /// Whole clusters in virtual time.
    Sim,
    /// Real daemons on a real kernel, in private namespaces.
    Kernel,
    /// Real API servers, kubelets and static pods.
    Cluster,
}

impl Part {
    /// All parts, in the order in which they run.
    pub(crate) const ALL: [Self; 4] = [Self::Unit, Self::Sim, Self::Kernel, Self::Cluster];

    fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Sim => "sim",
            Self::Kernel => "kernel",
            Self::Cluster => "cluster",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Unit => "unit tests and golden files",
            Self::Sim => "clusters in virtual time",
            Self::Kernel => "real daemons in private namespaces",
            Self::Cluster => "a real control plane, static pods",
        }
    }

    fn parse(text: &str) -> Result<Self, SuiteError> {
        let found = Self::ALL.into_iter().find(|part| part.name() == text);
        found.ok_or_else(|| SuiteError::Unknown(text.to_owned()))
    }

    /// The part that the integration test `name` belongs to: `simulated…` and `model…` to sim,
    /// `kernel…` to kernel, `cluster…` and `contract…` (which asks the real API server) to cluster,
    /// and every other to unit.
    fn of(name: &str) -> Self {
        let starts = |prefix| name.starts_with(prefix);
        if starts("simulated") || starts("model") {
            Self::Sim
        } else if starts("kernel") {
            Self::Kernel
        } else if starts("cluster") || starts("contract") {
            Self::Cluster
        } else {
            Self::Unit
        }
    }
}

/// One line of the table at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) passed: bool,
    pub(crate) took: Duration,
}

/// What the tests of a real cluster need besides programs and tests.
struct Cluster {
    /// The directory of the programs that a cluster consists of.
    assets: PathBuf,
    /// What its static pods run.
    image: TestImage,
}

impl Cluster {
    fn make(rows: &mut Vec<Row>) -> Result<Self, SuiteError> {
        let cache = Cache::open()?;
        let mut done = |name: &str, start: Instant| {
            rows.push(Row { name: name.to_owned(), passed: true, took: start.elapsed() });
        };
        let start = Instant::now();
        let assets = assets::make(&cache)?.directory;
        done("assets", start);
        let start = Instant::now();
        let image = dist::test_image(&cache)?;
        done("image", start);
        Ok(Self { assets, image })
    }
}

/// Runs the parts that `arguments` name, or all, and ends with a table of them.
pub(crate) fn command(arguments: &[String]) -> Result<(), SuiteError> {
    let mut parts =
        arguments.iter().map(|text| Part::parse(text)).collect::<Result<Vec<_>, _>>()?;
    parts.sort_unstable();
    parts.dedup();
    let parts = if parts.is_empty() { Part::ALL.to_vec() } else { parts };
    conclude(&run(&parts)?)
}

/// Runs `parts` to the end, whatever fails. Errors are only for what keeps them from starting.
pub(crate) fn run(parts: &[Part]) -> Result<Vec<Row>, SuiteError> {
    if parts.contains(&Part::Cluster) && !is_root() {
        return Err(SuiteError::NotRoot);
    }
    let metadata = Metadata::read()?;
    let plan = parts
        .iter()
        .map(|&part| Ok((part, selection(part, &metadata)?)))
        .collect::<Result<Vec<_>, SuiteError>>()?;
    let mut rows = Vec::new();
    let mut cluster = None;
    if parts.contains(&Part::Cluster) {
        let made = cluster.insert(Cluster::make(&mut rows)?);
        rows.push(lint(&made.assets));
    }
    let mut build = workspace::cargo();
    build.args(["build", "--workspace", "--bins", "--tests"]);
    let built = step("build", "programs and tests", &mut build);
    let passed = built.passed;
    rows.push(built);
    if passed {
        for (part, selected) in plan {
            rows.push(test(part, &selected, &metadata, cluster.as_ref()));
        }
    }
    Ok(rows)
}

/// Checks the playbooks and roles by the rules of ansible-lint's profile for production.
fn lint(assets: &Path) -> Row {
    let mut command = Command::new(assets.join("ansible-lint"));
    command.current_dir(workspace::root().join("ansible")).args(["--strict", "--offline"]);
    command.args(["--profile=production", "--nocolor"]);
    step("ansible-lint", "playbooks and roles", &mut command)
}

/// Runs one step that shows its own output. What went wrong is said at once.
pub(crate) fn step(name: &str, about: &str, command: &mut Command) -> Row {
    let start = Instant::now();
    let result = console::openly(&format!("{name}: {about}"), command);
    row(name, start, result)
}

/// A line of the table for a step that began at `start`. What went wrong is said at once.
pub(crate) fn row(name: &str, start: Instant, result: Result<Duration, StepError>) -> Row {
    if let Err(error) = &result {
        console::problem(error);
    }
    Row { name: name.to_owned(), passed: result.is_ok(), took: start.elapsed() }
}

/// Prints the table, and fails if a row did.
pub(crate) fn conclude(rows: &[Row]) -> Result<(), SuiteError> {
    console::result(&table(rows));
    verdict(rows)
}

fn verdict(rows: &[Row]) -> Result<(), SuiteError> {
    let failed: Vec<&str> =
        rows.iter().filter(|row| !row.passed).map(|row| row.name.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { Err(SuiteError::Failed(failed.join(", "))) }
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("total".len());
    let line = |name: &str, result: &str, took| {
        format!("{name:<width$}  {result:<6}  {:>12}\n", console::spell(took))
    };
    let mut text = String::new();
    for row in rows {
        text += &line(&row.name, if row.passed { "ok" } else { "FAILED" }, row.took);
    }
    let all = if rows.iter().all(|row| row.passed) { "ok" } else { "FAILED" };
    text += &line("total", all, rows.iter().map(|row| row.took).sum());
    text.trim_end().to_owned()
}

/// What `cargo test` is told to run for `part`.
fn selection(part: Part, metadata: &Metadata) -> Result<Vec<String>, SuiteError> {
    let names = metadata.integration_tests();
    let own = names.into_iter().filter(|name| Part::of(name) == part);
    let mut arguments: Vec<String> =
        own.flat_map(|name| ["--test".to_owned(), name.to_owned()]).collect();
    if part == Part::Unit {
        arguments.extend(["--lib", "--bins"].map(str::to_owned));
    }
    if arguments.is_empty() { Err(SuiteError::Empty(part.name())) } else { Ok(arguments) }
}

fn test(part: Part, selected: &[String], metadata: &Metadata, cluster: Option<&Cluster>) -> Row {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(selected);
    command.env("KUBE_VIP_BIN", metadata.program("kube-vip"));
    if let Some(Cluster { assets, image }) = cluster {
        command.env("KUBE_VIP_LAB_ASSETS", assets);
        command.env("KUBE_VIP_IMAGE", &image.path).env("KUBE_VIP_IMAGE_NAME", image.name);
    }
    // What is measured must not be disturbed by what is tested beside it.
    if matches!(part, Part::Kernel | Part::Cluster) {
        command.args(["--", "--test-threads=1"]);
    }
    let mut row = step(part.name(), part.about(), &mut command);
    if part == Part::Unit {
        let mut examples = workspace::cargo();
        examples.args(["test", "--workspace", "--no-fail-fast", "--doc"]);
        let examples = step(part.name(), "examples in the documentation", &mut examples);
        row.passed &= examples.passed;
        row.took += examples.took;
    }
    row
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(test)]
mod tests;
