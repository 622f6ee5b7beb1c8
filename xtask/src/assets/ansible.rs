//! Ansible and ansible-lint in a virtual environment of Python's, from `lab/ansible`.
//!
//! pip takes what the requirements name from the index that this machine is set up for, and checks
//! the hash of each file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::AssetsError;
use crate::cache::{Cache, fingerprint};
use crate::console;
use crate::workspace;

/// The first Python that ansible-core 2.19 runs on.
const PYTHON: (u32, u32) = (3, 11);

/// What the tests call.
const PROGRAMS: [&str; 4] = ["ansible", "ansible-lint", "ansible-playbook", "ansible-inventory"];

/// The environment: which Python makes it, and what goes in.
pub(super) struct Ansible {
    requirements: PathBuf,
    key: String,
    /// What the machine's `python3` says of itself.
    found: String,
}

impl Ansible {
    /// Looks at `lab/ansible` and asks for the machine's Python.
    pub(super) fn read() -> Result<Self, AssetsError> {
        let requirements = workspace::root().join("lab/ansible/requirements.txt");
        let file = |source| AssetsError::File { path: requirements.clone(), source };
        let text = fs::read_to_string(&requirements).map_err(file)?;
        // Where it is, too: an environment is of no use without the Python that made it.
        let mut python = Command::new("python3");
        python.args(["-c", "import sys; print(sys.version.split()[0], sys.prefix)"]);
        let found = match python.output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            Err(_) => "no python3 on the PATH".to_owned(),
        };
        // The number counts changes of what is done with it here.
        let print = fingerprint([text.as_bytes(), found.as_bytes()]);
        let key = format!("ansible/2-{print}");
        Ok(Self { requirements, key, found })
    }

    /// A line about what is needed to make what the cache does not have yet.
    pub(super) fn missing(&self, cache: &Cache) -> String {
        let fit = super::version(&self.found).is_some_and(|(found, _)| found >= PYTHON);
        if fit || cache.root().join(&self.key).is_dir() {
            return String::new();
        }
        let (major, minor) = PYTHON;
        format!("  Python {major}.{minor} or newer, for Ansible (found: {})\n", self.found)
    }

    /// The programs, with where they are.
    pub(super) fn make(&self, cache: &Cache) -> Result<Vec<(&'static str, PathBuf)>, AssetsError> {
        let place = cache.make(&self.key, |directory| {
            let mut create = Command::new("python3");
            create.args(["-m", "venv"]).arg(directory);
            console::quietly("make an environment of Python's", &mut create, &cache.log("venv")?)?;
            let mut install = Command::new(directory.join("bin/python3"));
            install.args(["-m", "pip", "install", "--require-hashes", "--only-binary=:all:"]);
            install.args(["--disable-pip-version-check", "--no-input", "--no-deps", "-r"]);
            install.arg(&self.requirements);
            console::quietly("install Ansible in it", &mut install, &cache.log("pip")?)?;
            let bin = directory.join("bin");
            detach_all(&bin).map_err(|source| AssetsError::File { path: bin, source })
        })?;
        Ok(PROGRAMS.map(|name| (name, place.join("bin").join(name))).to_vec())
    }
}

/// Makes each script call the Python beside it, wherever both are: an environment is made under
/// another name than the one it gets.
fn detach_all(bin: &Path) -> io::Result<()> {
    let own = format!("#!{}", bin.display());
    for entry in fs::read_dir(bin)? {
        let path = entry?.path();
        let text = fs::read(&path)?;
        if text.starts_with(own.as_bytes()) {
            fs::write(&path, detached(&String::from_utf8_lossy(&text)))?;
        }
    }
    Ok(())
}

/// The text of such a script. The second line is a command to the shell, and a string to Python.
fn detached(text: &str) -> String {
    let (_, rest) = text.split_once('\n').unwrap_or(("", text));
    format!(
        "#!/bin/sh\n\
         '''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/python3 \"$0\" \"$@\"\n\
         ' '''\n{rest}"
    )
}

#[cfg(test)]
mod tests;
