//! Programs from the packages of Debian and Ubuntu, unpacked into the cache instead of installed.
//!
//! Installing etcd or containerd would start services, or displace a containerd that the machine
//! already uses. So apt only downloads (checked against the signed indexes of the machine's own
//! sources) and `dpkg-deb` unpacks. apt works on lists, a cache and an (empty) list of installed
//! packages of our own: nothing of the machine's state is read or changed, another architecture
//! needs no `dpkg --add-architecture`, and no step needs root.

pub(crate) mod apt;
pub(crate) mod cross;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::{Cache, CacheError, fingerprint};
use crate::console::{self, StepError};
use apt::Apt;

/// Packages cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DebianError {
    /// The machine has no packages of Debian's.
    #[error(
        "{program} is not on the PATH: {wanted} come from the packages of Debian or Ubuntu; run \
         this on one of them"
    )]
    NoApt { program: &'static str, wanted: String },
    /// `/etc/os-release` does not say which release this is.
    #[error("cannot tell the release of this system from /etc/os-release")]
    Release { source: io::Error },
    /// There is no kube-vip for this processor.
    #[error("{0} is not a processor that kube-vip is built for (amd64, arm64)")]
    Processor(&'static str),
    /// No source of the machine's has a package.
    #[error("no package {package} in the sources of this machine (see /etc/apt){hint}")]
    NoPackage { package: String, hint: String },
    /// A package does not contain what it is unpacked for.
    #[error("the packages {packages} do not contain {path}")]
    Lacks { packages: String, path: PathBuf },
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Step(#[from] StepError),
}

/// The processors that kube-vip is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// The one this program runs on; none for any other processor.
    pub(crate) fn host() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// The one of the two that this is not.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Amd64 => Self::Arm64,
            Self::Arm64 => Self::Amd64,
        }
    }

    /// Debian's name (and OCI's): `amd64`, `arm64`.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The kernel's and QEMU's name: `x86_64`, `aarch64`.
    pub(crate) fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// The GNU triplet: `x86_64-linux-gnu`, `aarch64-linux-gnu`.
    pub(crate) fn triplet(self) -> String {
        format!("{}-linux-gnu", self.machine())
    }

    /// Rust's name of the target: `x86_64-unknown-linux-gnu`, `aarch64-unknown-linux-gnu`.
    pub(crate) fn rust_target(self) -> String {
        format!("{}-unknown-linux-gnu", self.machine())
    }
}

/// Which packages are unpacked besides those that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependencies {
    /// None: the programs need no library but those of every Debian system.
    None,
    /// The libraries and cross packages that the named ones depend on, in the version that goes
    /// with them. The machine's C library is used all the same: it belongs to its loader.
    Libraries,
}

/// Some packages to be unpacked together.
#[derive(Debug)]
pub(crate) struct PackageSet {
    /// What the set is for: its name in the cache.
    pub(crate) name: &'static str,
    /// The packages, with `:arm64` and the like where it is not the machine's own architecture.
    pub(crate) packages: Vec<String>,
    /// What is unpacked besides.
    pub(crate) dependencies: Dependencies,
    /// Paths that must be there after unpacking, from the root of the file system.
    pub(crate) provides: Vec<String>,
}

/// The directory in the cache where the packages of `set` are unpacked, as if it were `/`.
///
/// A set is downloaded once for each release of the system; newer packages of the same release are
/// not looked for. `packages.txt` in the directory says what was taken.
pub(crate) fn unpack(cache: &Cache, set: &PackageSet) -> Result<PathBuf, DebianError> {
    cache.make(&key(set)?, |directory| {
        let apt = Apt::prepare(cache, set)?;
        let packages = match set.dependencies {
            Dependencies::None => set.packages.clone(),
            Dependencies::Libraries => apt.libraries(set)?,
        };
        let archives = directory.join("archives");
        make_directory(&archives)?;
        apt.download(set, &packages, &archives)?;
        extract(cache, set, &archives, directory)?;
        match set.provides.iter().map(|path| directory.join(path)).find(|path| !path.exists()) {
            Some(path) => Err(DebianError::Lacks { packages: set.packages.join(", "), path }),
            None => Ok(()),
        }
    })
}

fn key(set: &PackageSet) -> Result<String, DebianError> {
    let release = fs::read_to_string("/etc/os-release")
        .map_err(|source| DebianError::Release { source })
        .map(|text| release(&text))?;
    let parts = [set.packages.join(" "), format!("{:?}", set.dependencies)];
    let print = fingerprint(parts.iter().map(String::as_bytes));
    Ok(format!("packages/{release}-{}/{}-{print}", std::env::consts::ARCH, set.name))
}

/// `debian-12` and the like, from the text of os-release(5).
fn release(text: &str) -> String {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map_or_else(|| "unknown".to_owned(), |value| value.trim_matches('"').to_owned())
    };
    format!("{}-{}", value("ID"), value("VERSION_ID"))
}

fn extract(
    cache: &Cache,
    set: &PackageSet,
    archives: &Path,
    directory: &Path,
) -> Result<(), DebianError> {
    let mut names = Vec::new();
    let list = |source| DebianError::File { path: archives.to_owned(), source };
    for entry in fs::read_dir(archives).map_err(list)? {
        names.push(entry.map_err(list)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let each =
        "for archive in \"$1\"/*.deb; do dpkg-deb --extract \"$archive\" \"$2\" || exit; done";
    let mut command = Command::new("sh");
    command.args(["-c", each, "unpack"]).arg(archives).arg(directory);
    let label = format!("unpack {} packages for {}", names.len(), set.name);
    console::quietly(&label, &mut command, &cache.log("unpack")?)?;
    let list = directory.join("packages.txt");
    fs::write(&list, names.join("\n") + "\n")
        .and_then(|()| fs::remove_dir_all(archives))
        .map_err(|source| DebianError::File { path: list, source })
}

/// `text` as one word of the shell's.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn make_directory(path: &Path) -> Result<(), DebianError> {
    fs::create_dir_all(path).map_err(|source| DebianError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
