//! `cargo xtask dist`: what is handed to users. Static programs for amd64 and arm64, one image of
//! both, manual pages and completions. `cargo xtask image`: an image for the tests of a real
//! cluster, made in seconds.
//!
//! What is made is looked at (static, within its budget) and run before it is written.

mod build;
mod elf;
mod oci;
mod options;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::cache::{Cache, CacheError};
use crate::console::{self, StepError};
use crate::debian::{Architecture, DebianError};
use crate::workspace::{self, Metadata, WorkspaceError};
use elf::ElfError;
use oci::{About, Image};
use options::Options;

/// The name of the release's image, unless `--image` gives another.
const IMAGE: &str = concat!("ghcr.io/kube-vip-rs/kube-vip:v", env!("CARGO_PKG_VERSION"));
/// What the program calls its version.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));
/// The name of the image for the tests. A pull of it fails at once, and never gets another one.
const TEST_IMAGE: &str = "localhost/kube-vip:test";
/// The program's file name.
const PROGRAM: &str = "kube-vip";
const IMAGE_FILE: &str = "kube-vip-image.tar";
const SUMS_FILE: &str = "SHA256SUMS";
/// The largest program, and the largest image as a node holds it, in bytes.
const PROGRAM_BUDGET: u64 = 10_000_000;
const IMAGE_BUDGET: u64 = 12_000_000;

/// There is nothing to hand out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DistError {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A program cannot be what an image has.
    #[error("{path} does not fit into an image")]
    Unfit { path: PathBuf, source: ElfError },
    /// A program is for the other architecture.
    #[error("{path} is for {found}, and was built for another architecture")]
    Mixed { path: PathBuf, found: &'static str },
    /// A program does not say what it should.
    #[error("{path} version does not name the version and the commit ({status}); it says {said:?}")]
    Answer { path: PathBuf, status: ExitStatus, said: String },
    /// A program does not print what belongs to it.
    #[error("{path} does not print its manual or its completions ({status}); it says {said:?}")]
    Text { path: PathBuf, status: ExitStatus, said: String },
    /// Something has become too large.
    #[error("{what} has {size} bytes, of at most {budget}")]
    Budget { what: String, size: u64, budget: u64 },
    /// The image cannot be put together.
    #[error("cannot pack the image")]
    Pack { source: io::Error },
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Debian(#[from] DebianError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl DistError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}

/// An image that a test of a real cluster imports.
#[derive(Debug)]
pub(crate) struct TestImage {
    /// The tar, for `ctr images import`.
    pub(crate) path: PathBuf,
    /// What it is called then.
    pub(crate) name: &'static str,
}

/// One line of the table at the end.
struct Line {
    name: String,
    /// In bytes.
    size: u64,
    took: Option<Duration>,
}

/// Makes the release: `--arch amd64|arm64|all`, `--out DIRECTORY`, `--image NAME`.
pub(crate) fn command(arguments: &[String]) -> Result<(), DistError> {
    let options = Options::parse(arguments, &["--arch", "--out", "--image"])?;
    let directory = options.out.clone().unwrap_or_else(|| workspace::root().join("dist"));
    let cache = Cache::open()?;
    let revision = revision();
    let mut lines = Vec::new();
    let mut programs = Vec::new();
    let mut texts = Vec::new();
    for architecture in options.architectures() {
        let program = build::release(&cache, architecture, revision.as_deref())?;
        let (name, size) = (file_name(architecture), program.content.len() as u64);
        within(&name, size, PROGRAM_BUDGET)?;
        lines.push(Line { name, size, took: Some(program.took) });
        programs.push((architecture, program.content));
        // The same, whatever it was built for.
        texts = program.texts;
    }
    let name = options.image.as_deref().unwrap_or(IMAGE);
    let image = image(name, revision.as_deref(), &programs)?;
    hand_out(&directory, &programs, &texts, &image)?;
    for (architecture, size) in &image.sizes {
        let name = format!("image linux/{}", architecture.debian());
        within(&name, *size, IMAGE_BUDGET)?;
        lines.push(Line { name, size: *size, took: None });
    }
    lines.push(Line { name: IMAGE_FILE.to_owned(), size: image.tar.len() as u64, took: None });
    console::result(&table(&lines));
    console::result(&format!("{name}\n{}\n{}", image.digest, directory.display()));
    Ok(())
}

/// Makes an image of the program for the tests, or of another static one for any of the
/// architectures: `--binary FILE`, `--image NAME`, `--out FILE`.
pub(crate) fn image_command(arguments: &[String]) -> Result<(), DistError> {
    let options = Options::parse(arguments, &["--binary", "--image", "--out"])?;
    let program = match &options.binary {
        Some(path) => build::given(path)?,
        None => build::development(&Cache::open()?)?,
    };
    let path = options.out.map_or_else(test_image_path, Ok)?;
    let name = options.image.as_deref().unwrap_or(TEST_IMAGE);
    let image = image(name, revision().as_deref(), &[program])?;
    write(&path, &image.tar, 0o644)?;
    console::result(&format!("{name}\n{}\n{}", image.digest, path.display()));
    Ok(())
}

/// Makes the image that the tests of a real cluster run, for this machine's architecture.
pub(crate) fn test_image(cache: &Cache) -> Result<TestImage, DistError> {
    let program = build::development(cache)?;
    let path = test_image_path()?;
    write(&path, &image(TEST_IMAGE, None, &[program])?.tar, 0o644)?;
    Ok(TestImage { path, name: TEST_IMAGE })
}

/// Packs the static program `binary` into an image `name`, in which it is the file `program`.
pub(crate) fn image_of(binary: &Path, name: &str, program: &str) -> Result<Vec<u8>, DistError> {
    let about = About { name, program, version: VERSION, revision: None };
    let image = oci::pack(about, &[build::given(binary)?]);
    Ok(image.map_err(|source| DistError::Pack { source })?.tar)
}

fn test_image_path() -> Result<PathBuf, DistError> {
    Ok(Metadata::read()?.target_directory.join("kube-vip-test-image.tar"))
}

fn image(
    name: &str,
    revision: Option<&str>,
    programs: &[(Architecture, Vec<u8>)],
) -> Result<Image, DistError> {
    let about = About { name, program: PROGRAM, version: VERSION, revision };
    oci::pack(about, programs).map_err(|source| DistError::Pack { source })
}

/// The commit that is checked out, `-dirty` if files differ from it; none outside of git.
fn revision() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    let output = git.current_dir(workspace::root()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn file_name(architecture: Architecture) -> String {
    format!("kube-vip-linux-{}", architecture.debian())
}

fn within(what: &str, size: u64, budget: u64) -> Result<(), DistError> {
    if size <= budget {
        return Ok(());
    }
    Err(DistError::Budget { what: what.to_owned(), size, budget })
}

/// Writes everything, and removes what another run has left that this one does not make.
fn hand_out(
    directory: &Path,
    programs: &[(Architecture, Vec<u8>)],
    texts: &[(&'static str, Vec<u8>)],
    image: &Image,
) -> Result<(), DistError> {
    fs::create_dir_all(directory).map_err(DistError::file(directory))?;
    let known = [Architecture::Amd64, Architecture::Arm64].map(file_name);
    let known = known.iter().map(String::as_str).chain(build::TEXTS.map(|(name, _)| name));
    for name in known.chain([IMAGE_FILE, SUMS_FILE]) {
        remove(&directory.join(name))?;
    }
    let mut sums = String::new();
    let files = programs
        .iter()
        .map(|(architecture, content)| (file_name(*architecture), content, 0o755))
        .chain(texts.iter().map(|(name, content)| ((*name).to_owned(), content, 0o644)))
        .chain([(IMAGE_FILE.to_owned(), &image.tar, 0o644)]);
    for (name, content, mode) in files {
        write(&directory.join(&name), content, mode)?;
        // Two spaces, as sha256sum(1) writes and reads it.
        sums.push_str(&format!("{}  {name}\n", oci::digest(content)));
    }
    write(&directory.join(SUMS_FILE), sums.as_bytes(), 0o644)
}

/// Writes a file of its own: one that somebody runs or reads stays as it is for them.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), DistError> {
    remove(path)?;
    fs::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(DistError::file(path))
}

fn remove(path: &Path) -> Result<(), DistError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DistError::file(path)(error)),
        _ => Ok(()),
    }
}

fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    let megabytes = |size| {
        // Sizes of files are far from where a float loses bytes.
        let size = u32::try_from(size).map_or(f64::INFINITY, f64::from);
        format!("{:.2} MB", size / 1e6)
    };
    let mut text = String::new();
    for line in lines {
        let took = line.took.map(console::spell).unwrap_or_default();
        let row = format!("{:<width$}  {:>9}  {took:>12}", line.name, megabytes(line.size));
        text += row.trim_end();
        text.push('\n');
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
