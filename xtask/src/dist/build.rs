//! Builds kube-vip so that it needs nothing of the system it runs on: glibc is linked in.
//!
//! A release has a target directory of its own, and `--target`, so that its flags reach neither
//! build scripts nor the builds of every day.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::elf;
use super::{DistError, VERSION};
use crate::cache::Cache;
use crate::console;
use crate::debian::Architecture;
use crate::debian::cross::Toolchain;
use crate::workspace::{self, Metadata};

/// Separates the flags in `CARGO_ENCODED_RUSTFLAGS`, since paths may have spaces.
const SEPARATOR: &str = "\x1f";

/// A static program, looked at and run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) content: Vec<u8>,
    /// How long the build took.
    pub(super) took: Duration,
    /// What it prints into each of [`TEXTS`].
    pub(super) texts: Vec<(&'static str, Vec<u8>)>,
}

/// Files for shells and for man(1), and what prints them.
pub(super) const TEXTS: [(&str, &[&str]); 5] = [
    ("kube-vip.8", &["man"]),
    ("kube-vip-manager.8", &["man", "manager"]),
    ("kube-vip.bash", &["completion", "bash"]),
    ("_kube-vip", &["completion", "zsh"]),
    ("kube-vip.fish", &["completion", "fish"]),
];

/// Builds the release for `architecture`, and makes it say its version: natively, or under QEMU.
pub(super) fn release(
    cache: &Cache,
    architecture: Architecture,
    revision: Option<&str>,
) -> Result<Program, DistError> {
    let host = Architecture::host() == Some(architecture);
    let toolchain = if host { None } else { Some(Toolchain::make(cache, architecture)?) };
    let target = architecture.rust_target();
    let directory = Metadata::read()?.target_directory.join("dist");
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--locked", "--package", "kube-vip", "--bin", "kube-vip"]);
    command.args(["--target", &target, "--target-dir"]).arg(&directory);
    command.envs(toolchain.iter().flat_map(Toolchain::environment));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags());
    match revision {
        Some(revision) => command.env("KUBE_VIP_BUILD", revision),
        None => command.env_remove("KUBE_VIP_BUILD"),
    };
    let name = architecture.debian();
    let log = cache.log(&format!("dist-{name}"))?;
    let took = console::quietly(&format!("build kube-vip for {name}"), &mut command, &log)?;
    let path = directory.join(&target).join("release/kube-vip");
    let (found, content) = given(&path)?;
    if found != architecture {
        return Err(DistError::Mixed { path, found: found.debian() });
    }
    let run = || match &toolchain {
        Some(toolchain) => {
            let mut emulator = Command::new(toolchain.emulator());
            emulator.arg(&path);
            emulator
        }
        None => Command::new(&path),
    };
    answer(&path, run().arg("version"), revision)?;
    let texts = TEXTS.into_iter().map(|(name, words)| Ok((name, text(&path, run().args(words))?)));
    let texts = texts.collect::<Result<_, DistError>>()?;
    Ok(Program { content, took, texts })
}

/// What the program prints; it has to succeed.
fn text(path: &Path, command: &mut Command) -> Result<Vec<u8>, DistError> {
    let output = command.output().map_err(DistError::file(path))?;
    if output.status.success() && !output.stdout.is_empty() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(DistError::Text { path: path.to_owned(), status: output.status, said })
}

/// Builds the program of the tests for this machine, static as well. Returns it with its
/// architecture.
///
/// Only the program itself is linked anew, with the libraries of `cargo build`. It takes the place
/// of `target/debug/kube-vip` until the next `cargo build`, which puts the other back: cargo keeps
/// both.
pub(super) fn development(cache: &Cache) -> Result<(Architecture, Vec<u8>), DistError> {
    let mut command = workspace::cargo();
    command.args(["rustc", "--package", "kube-vip", "--bin", "kube-vip", "--"]);
    command.args(["-C", "target-feature=+crt-static", "-C", "strip=symbols"]);
    let log = cache.log("image")?;
    console::quietly("build kube-vip for an image", &mut command, &log)?;
    given(&Metadata::read()?.program("kube-vip"))
}

/// The static program in `path`, and what it is for.
pub(super) fn given(path: &Path) -> Result<(Architecture, Vec<u8>), DistError> {
    let content = fs::read(path).map_err(DistError::file(path))?;
    let unfit = |source| DistError::Unfit { path: path.to_owned(), source };
    Ok((elf::inspect(&content).map_err(unfit)?, content))
}

/// The flags of a release: glibc linked in, and no paths of this machine in messages.
fn flags() -> OsString {
    let root = workspace::root();
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = OsString::from(["-C", "target-feature=+crt-static"].join(SEPARATOR));
    for (path, name) in [(Some(root), "/kube-vip"), (home, "/cargo")] {
        let Some(path) = path else { continue };
        flags.push([SEPARATOR, "--remap-path-prefix", SEPARATOR].concat());
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Checks that `kube-vip version` knows its version and its commit.
fn answer(path: &Path, command: &mut Command, revision: Option<&str>) -> Result<(), DistError> {
    let output = command.output().map_err(DistError::file(path))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let says = |word: &str| said.split_whitespace().any(|found| found == word);
    if output.status.success() && says(VERSION) && says(revision.unwrap_or("unknown")) {
        return Ok(());
    }
    let said = said + &String::from_utf8_lossy(&output.stderr);
    Err(DistError::Answer { path: path.to_owned(), status: output.status, said })
}
