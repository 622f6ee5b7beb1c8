//! What an operator's work is tested with: OpenSSH, HAProxy, curl and the like, from Debian's
//! packages with the libraries that they need.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{AssetsError, has_apt, on_path};
use crate::cache::{Cache, fingerprint};
use crate::debian::{self, Architecture, Dependencies, PackageSet};

/// The programs, each with the package that has it.
const PROGRAMS: [(&str, &str); 11] = [
    ("arp", "net-tools"),
    ("curl", "curl"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("ss", "iproute2"),
    ("keepalived", "keepalived"),
    ("openssl", "openssl"),
    ("ping", "iputils-ping"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
];

/// Lines about what has to be there and cannot be unpacked.
pub(super) fn missing() -> String {
    let absent = PROGRAMS.iter().filter(|(name, _)| on_path(name).is_none());
    let names: Vec<&str> = absent.map(|(name, _)| *name).collect();
    if has_apt() || names.is_empty() {
        return String::new();
    }
    format!("  {} on the PATH, or apt-get and dpkg-deb\n", names.join(", "))
}

/// The programs, with where they are.
pub(super) fn make(cache: &Cache) -> Result<Vec<(&'static str, PathBuf)>, AssetsError> {
    if !has_apt() {
        let found = PROGRAMS.iter().filter_map(|(name, _)| Some((*name, on_path(name)?)));
        return Ok(found.collect());
    }
    let mut packages: Vec<String> =
        PROGRAMS.iter().map(|(_, package)| (*package).to_owned()).collect();
    packages.dedup();
    let set = PackageSet {
        name: "operations",
        packages,
        dependencies: Dependencies::Libraries,
        provides: Vec::new(),
    };
    let root = debian::unpack(cache, &set)?;
    let scripts = PROGRAMS
        .iter()
        .map(|(name, _)| Ok((*name, script(&root, find(&root, name)?))))
        .collect::<Result<Vec<_>, AssetsError>>()?;
    let key = fingerprint(scripts.iter().map(|(_, text)| text.as_bytes()));
    let place = cache.make(&format!("operations/{key}"), |directory| {
        for (name, text) in &scripts {
            let path = directory.join(name);
            fs::write(&path, text)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
                .map_err(|source| AssetsError::File { path, source })?;
        }
        Ok::<(), AssetsError>(())
    })?;
    Ok(PROGRAMS.map(|(name, _)| (name, place.join(name))).to_vec())
}

/// Where a program is below `root`: releases differ in whether /bin is /usr/bin.
fn find(root: &Path, name: &str) -> Result<PathBuf, AssetsError> {
    let mut places = ["usr/bin", "usr/sbin", "bin", "sbin"].iter();
    let path = places.find_map(|place| {
        let path = root.join(place).join(name);
        path.symlink_metadata().is_ok_and(|data| data.is_file()).then_some(path)
    });
    path.ok_or_else(|| AssetsError::Missing(format!("  {name}: its package does not contain it")))
}

/// A script that runs a program with the libraries that were unpacked with it.
fn script(root: &Path, program: PathBuf) -> String {
    let triplet = Architecture::host().map(Architecture::triplet).unwrap_or_default();
    let libraries = ["usr/lib", "lib"].map(|place| root.join(place).join(&triplet));
    let libraries: Vec<String> = libraries.iter().map(|path| path.display().to_string()).collect();
    format!(
        "#!/bin/sh\n\
         export LD_LIBRARY_PATH={}\n\
         exec {} \"$@\"\n",
        debian::quote(&libraries.join(":")),
        debian::quote(&program.to_string_lossy()),
    )
}

#[cfg(test)]
mod tests;
