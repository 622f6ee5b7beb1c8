//! What a host has on its disk: /etc, /run, /var/lib and /var/log of its own, kept in one folder of
//! the lab.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::net::Bind;

#[cfg(test)]
mod tests;

/// The directories that each host has of its own. What programs of the machine's look up in /etc is
/// put there, see [`furnish`]; the others are empty at first.
const OWN: [&str; 4] = ["/etc", "/run", "/var/lib", "/var/log"];

/// What of the machine's /etc programs need in order to run: how libraries, and programs of several
/// kinds, are found, and what release this is.
const SHARED: [&str; 7] = [
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "os-release",
    "protocols",
    "ssl/openssl.cnf",
];

/// root's home, on each host its own.
pub const HOME: &str = "/var/lib/root";

/// Where containerd has a directory for each container of Kubernetes.
pub(super) const TASKS: &str = "/run/containerd/io.containerd.runtime.v2.task/k8s.io";

/// A host's own directories.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// What is there already of a machine in `folder`.
    pub(super) fn found(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Makes the directories in `folder`.
    ///
    /// # Errors
    /// As of making directories.
    pub fn make(folder: &Path) -> io::Result<Self> {
        let layout = Self::found(folder);
        for own in OWN.into_iter().chain([HOME]) {
            fs::create_dir_all(layout.outside(own))?;
        }
        furnish(&layout)?;
        Ok(layout)
    }

    /// How the node gets to see them.
    #[must_use]
    pub fn binds(&self) -> Vec<Bind> {
        let bind = |own: &str| Bind { source: self.outside(own), target: PathBuf::from(own) };
        OWN.into_iter().map(bind).collect()
    }

    /// Where the lab sees what the node sees at this absolute path, below one of its own
    /// directories.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// The identities of the containers that were started on the node and not removed.
    pub(super) fn containers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.outside(TASKS)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// A file of the lab's about this node, such as a log.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file where the node sees it at this absolute path, whole at once: whoever looks
    /// sees the old one or the new one.
    ///
    /// # Errors
    /// As of making directories and files.
    pub fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.outside(path);
        // Kubelets leave files with a leading dot alone.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}"));
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        fs::write(&draft, text)?;
        fs::rename(draft, path)
    }
}

/// Writes who the users are and how names are looked up, and copies what is [`SHARED`].
fn furnish(layout: &Layout) -> io::Result<()> {
    let users = format!(
        "root:x:0:0:root:{HOME}:/bin/sh\n\
         sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
         nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    );
    layout.write("/etc/passwd", &users)?;
    layout.write("/etc/shadow", "root:*:19000:0:99999:7:::\n")?;
    layout.write("/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")?;
    layout.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")?;
    layout.write("/etc/hosts", "127.0.0.1 localhost\n")?;
    // There is no DNS; containerd copies the file to each pod of the host's network.
    layout.write("/etc/resolv.conf", "")?;
    for name in SHARED {
        let from = Path::new("/etc").join(name);
        if from.symlink_metadata().is_ok() {
            let to = layout.outside("/etc").join(name);
            fs::create_dir_all(to.parent().unwrap_or(&layout.folder))?;
            copy(&from, &to)?;
        }
    }
    Ok(())
}

/// Copies a file, a link as a link, or a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = from.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if !kind.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
