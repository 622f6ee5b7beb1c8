//! What the tests of a real cluster need, in one directory: `assets` in the cache.
//!
//! etcd, containerd (with its shim and `ctr`) and runc come from Debian's packages, or from the
//! PATH of a system without apt, and so do the tools of an operator; kube-apiserver, kubelet,
//! kubectl, the elector and the image of pause are built from `lab/control-plane`; Ansible comes
//! from Python's packages. An etcd and a kube-apiserver in `$KUBEBUILDER_ASSETS` go first.

mod ansible;
mod control_plane;
mod operations;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{Cache, CacheError, fingerprint};
use crate::console::{self, StepError};
use crate::debian::{self, DebianError, Dependencies, PackageSet};
use crate::dist::DistError;

use ansible::Ansible;
use control_plane::ControlPlane;

/// The assets cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssetsError {
    /// What is needed and not there, all of it, with what to do.
    #[error("the tests of a real cluster need more than this machine has:\n{0}")]
    Missing(String),
    /// A program does not answer as the one that is needed.
    #[error("{} is not {wanted}; it says {said:?}", .path.display())]
    Unfit { path: PathBuf, wanted: String, said: String },
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Debian(#[from] DebianError),
    #[error(transparent)]
    Image(#[from] DistError),
    #[error(transparent)]
    Step(#[from] StepError),
}

/// The programs that Debian's packages have, with the first version that serves.
const PACKAGED: [Program; 6] = [
    Program { name: "etcd", path: "usr/bin/etcd", least: Some((3, 4)) },
    Program { name: "containerd", path: "usr/bin/containerd", least: Some((1, 6)) },
    Program {
        name: "containerd-shim-runc-v2",
        path: "usr/bin/containerd-shim-runc-v2",
        least: None,
    },
    Program { name: "ctr", path: "usr/bin/ctr", least: None },
    Program { name: "runc", path: "usr/sbin/runc", least: Some((1, 1)) },
    Program { name: "libfaketime.so.1", path: FAKETIME, least: None },
];

/// Sets the wall clock of one daemon in the lab.
const FAKETIME: &str = if cfg!(target_arch = "aarch64") {
    "usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"
} else {
    "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
};

struct Program {
    name: &'static str,
    /// Where the package has it.
    path: &'static str,
    /// The least major and minor version, where the program is asked for it.
    least: Option<(u32, u32)>,
}

/// The directory that `KUBE_VIP_LAB_ASSETS` is to name for the tests.
#[derive(Debug)]
pub(crate) struct Assets {
    /// Has `etcd`, `kube-apiserver`, `kubelet`, `kubectl`, `containerd`,
    /// `containerd-shim-runc-v2`, `ctr`, `runc`, `libfaketime.so.1`, `elector`,
    /// `elector-image.tar`, `pause-image.tar`;
    /// `ansible-playbook`, `ansible-lint`; `ssh`, `sshd`, `haproxy`, `curl` and more of an
    /// operator's tools.
    pub(crate) directory: PathBuf,
    /// What each of them is, for people.
    pub(crate) versions: String,
}

/// Makes the assets and prints where they are.
pub(crate) fn command() -> Result<(), AssetsError> {
    let assets = make(&Cache::open()?)?;
    console::result(&format!("{}{}", assets.versions, assets.directory.display()));
    Ok(())
}

/// Makes what is not there yet: some minutes the first time, nothing later.
pub(crate) fn make(cache: &Cache) -> Result<Assets, AssetsError> {
    let given = given(std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from).as_deref());
    let known: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    let control_plane = ControlPlane::read(&known)?;
    let ansible = Ansible::read()?;
    let missing = [
        missing(&known),
        control_plane.missing(cache),
        ansible.missing(cache),
        operations::missing(),
    ]
    .concat();
    if !missing.is_empty() {
        return Err(AssetsError::Missing(missing.trim_end().to_owned()));
    }
    let packaged = packaged(cache, &known)?;
    let built = control_plane.make(cache)?;
    let (ansible, operations) = (ansible.make(cache)?, operations::make(cache)?);
    let more = ansible.into_iter().chain(operations);
    let mut programs: Vec<_> = given.into_iter().chain(packaged).chain(built).chain(more).collect();
    programs.sort();
    let text: String =
        programs.iter().map(|(name, path)| format!("{name} {}\n", path.display())).collect();
    let key = format!("assets-of/{}", fingerprint([text.as_bytes()]));
    let directory = cache.make(&key, |directory| gather(&programs, directory))?;
    let list = directory.join("versions.txt");
    let versions =
        fs::read_to_string(&list).map_err(|source| AssetsError::File { path: list, source })?;
    Ok(Assets { directory: cache.point("assets", &directory)?, versions })
}

/// The executable `name` on the PATH, or where only root's PATH leads.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|path| path.is_absolute() && is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// What a directory of ready binaries has of what it may give.
fn given(directory: Option<&Path>) -> Vec<(&'static str, PathBuf)> {
    let Some(directory) = directory else { return Vec::new() };
    ["etcd", "kube-apiserver"]
        .map(|name| (name, directory.join(name)))
        .into_iter()
        .filter(|(_, path)| is_executable(path))
        .collect()
}

/// The packaged programs that are not in `known`.
fn wanted(known: &[&str]) -> impl Iterator<Item = &'static Program> {
    PACKAGED.iter().filter(|program| !known.contains(&program.name))
}

fn has_apt() -> bool {
    ["apt-get", "dpkg-deb"].iter().all(|program| on_path(program).is_some())
}

/// Lines about what has to be there and cannot be unpacked.
fn missing(known: &[&str]) -> String {
    if has_apt() {
        return String::new();
    }
    let absent = wanted(known).filter(|program| on_path(program.name).is_none());
    let names: Vec<&str> = absent.map(|program| program.name).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "  {} on the PATH; or apt-get and dpkg-deb, as on Debian and Ubuntu: then they are \
         unpacked into the cache, and nothing is installed\n",
        names.join(", ")
    )
}

fn packaged(cache: &Cache, known: &[&str]) -> Result<Vec<(&'static str, PathBuf)>, AssetsError> {
    if !has_apt() {
        let found =
            wanted(known).filter_map(|program| Some((program.name, on_path(program.name)?)));
        return Ok(found.collect());
    }
    let set = PackageSet {
        name: "cluster",
        packages: ["etcd-server", "containerd", "runc", "libfaketime"].map(str::to_owned).to_vec(),
        dependencies: Dependencies::None,
        provides: PACKAGED.iter().map(|program| program.path.to_owned()).collect(),
    };
    let root = debian::unpack(cache, &set)?;
    Ok(wanted(known).map(|program| (program.name, root.join(program.path))).collect())
}

/// Links the programs into one directory, after having asked each for its version.
fn gather(programs: &[(&'static str, PathBuf)], directory: &Path) -> Result<(), AssetsError> {
    let file = |path: &Path, result: io::Result<()>| {
        result.map_err(|source| AssetsError::File { path: path.to_owned(), source })
    };
    let mut versions = String::new();
    for (name, path) in programs {
        let link = directory.join(name);
        file(&link, std::os::unix::fs::symlink(path, &link))?;
        let least = PACKAGED.iter().find(|program| program.name == *name);
        let least = least.map_or(least_of_kubernetes(name), |program| program.least);
        if let Some(least) = least {
            let version = check(path, least)?;
            versions.push_str(&format!("{name:<16} {version}\n"));
        }
    }
    let list = directory.join("versions.txt");
    file(&list, fs::write(&list, versions))
}

/// What the static-pod tests are written for; an image has none.
fn least_of_kubernetes(name: &str) -> Option<(u32, u32)> {
    matches!(name, "kube-apiserver" | "kubelet").then_some((1, 30))
}

fn check(path: &Path, least: (u32, u32)) -> Result<String, AssetsError> {
    let output = Command::new(path)
        .arg("--version")
        .output()
        .map_err(|source| AssetsError::File { path: path.to_owned(), source })?;
    let said = String::from_utf8_lossy(if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    });
    judge(path, &said, least)
}

fn judge(path: &Path, said: &str, least: (u32, u32)) -> Result<String, AssetsError> {
    match version(said) {
        Some((found, text)) if found >= least => Ok(text),
        _ => Err(AssetsError::Unfit {
            path: path.to_owned(),
            wanted: format!("version {}.{} or newer", least.0, least.1),
            said: said.trim().to_owned(),
        }),
    }
}

/// The first thing in `text` that looks like a version: its first two numbers, and all of it.
fn version(text: &str) -> Option<((u32, u32), String)> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches('v').split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(((major, minor), word.to_owned()))
    })
}

#[cfg(test)]
mod tests;
