//! Builds kube-apiserver, kubelet, kubectl, the elector with its image and the image of pause, all
//! from the module in `lab/control-plane`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::AssetsError;
use crate::cache::{Cache, fingerprint};
use crate::console;
use crate::dist;
use crate::workspace;

/// The first Go that knows `tool` in a go.mod.
const GO: (u32, u32) = (1, 24);

/// The image that every pod's sandbox runs: its file, and the name by which a runtime knows it.
const PAUSE_IMAGE: (&str, &str) = ("pause-image.tar", "localhost/kube-vip-lab/pause:1");

/// The stand-in for a node of the original.
const ELECTOR: &str = "elector";

/// Its image, in which the program is called as the original's is.
const ELECTOR_IMAGE: (&str, &str) = ("elector-image.tar", "localhost/kube-vip-lab/elector:1");

/// What is built, and from what.
pub(super) struct ControlPlane {
    /// The module's directory.
    directory: PathBuf,
    /// go.mod and go.sum: all that says what is built.
    pins: String,
    /// Kubernetes' version, `v1.34.4`.
    version: String,
    /// Which of Kubernetes' programs.
    names: Vec<&'static str>,
    /// The source of pause.
    pause: String,
    /// The sources of the elector.
    elector: String,
}

impl ControlPlane {
    /// Looks at `lab/control-plane`; programs in `known` are left out.
    pub(super) fn read(known: &[&str]) -> Result<Self, AssetsError> {
        let directory = workspace::root().join("lab/control-plane");
        let content = |name: &str| {
            let path = directory.join(name);
            fs::read_to_string(&path).map_err(|source| AssetsError::File { path, source })
        };
        let pins = content("go.mod")? + &content("go.sum")?;
        let version = kubernetes(&pins).ok_or_else(|| AssetsError::Unfit {
            path: directory.join("go.mod"),
            wanted: "a module that requires k8s.io/kubernetes".to_owned(),
            said: String::new(),
        })?;
        let names = ["kube-apiserver", "kubectl", "kubelet"];
        Ok(Self {
            names: names.into_iter().filter(|name| !known.contains(name)).collect(),
            version: version.to_owned(),
            pause: sources(&directory.join("pause"))?,
            elector: sources(&directory.join(ELECTOR))?,
            directory,
            pins,
        })
    }

    /// A line about what is needed to build what the cache does not have yet.
    pub(super) fn missing(&self, cache: &Cache) -> String {
        let keys = [self.key(), self.pause_key(), self.elector_key()];
        if keys.iter().all(|key| cache.root().join(key).is_dir()) {
            return String::new();
        }
        let found = match self.go().args(["env", "GOVERSION"]).output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            Err(_) => "no go on the PATH".to_owned(),
        };
        if super::version(found.trim_start_matches("go")).is_some_and(|(found, _)| found >= GO) {
            return String::new();
        }
        let (major, minor) = GO;
        format!("  Go {major}.{minor} or newer, to build Kubernetes (found: {found})\n")
    }

    /// The programs, with where they are.
    pub(super) fn make(&self, cache: &Cache) -> Result<Vec<(&'static str, PathBuf)>, AssetsError> {
        let kubernetes = cache.make(&self.key(), |directory| {
            console::note("building Kubernetes once; it takes 3 to 5 minutes on two cores");
            let packages = self.names.iter().map(|name| format!("k8s.io/kubernetes/cmd/{name}"));
            self.build(cache, directory, packages.collect())
        })?;
        let (file, name) = PAUSE_IMAGE;
        let pause = cache.make(&self.pause_key(), |directory| {
            self.build(cache, directory, vec!["./pause".to_owned()])?;
            let image = dist::image_of(&directory.join("pause"), name, "pause")?;
            let path = directory.join(file);
            fs::write(&path, image).map_err(|source| AssetsError::File { path, source })
        })?;
        let elector = cache.make(&self.elector_key(), |directory| {
            self.build(cache, directory, vec![format!("./{ELECTOR}")])?;
            let (file, name) = ELECTOR_IMAGE;
            let image = dist::image_of(&directory.join(ELECTOR), name, "kube-vip")?;
            let path = directory.join(file);
            fs::write(&path, image).map_err(|source| AssetsError::File { path, source })
        })?;
        let kubernetes = self.names.iter().map(|name| (*name, kubernetes.join(name)));
        let own = [
            (file, pause.join(file)),
            (ELECTOR, elector.join(ELECTOR)),
            (ELECTOR_IMAGE.0, elector.join(ELECTOR_IMAGE.0)),
        ];
        Ok(kubernetes.chain(own).collect())
    }

    fn key(&self) -> String {
        let parts = [self.pins.clone(), self.names.join(" "), self.flags()];
        let print = fingerprint(parts.iter().map(String::as_bytes));
        format!("control-plane/{}-{print}", self.version)
    }

    fn pause_key(&self) -> String {
        let (file, name) = PAUSE_IMAGE;
        let parts = [self.pause.as_bytes(), file.as_bytes(), name.as_bytes()];
        format!("control-plane/pause-{}", fingerprint(parts))
    }

    fn elector_key(&self) -> String {
        let (file, name) = ELECTOR_IMAGE;
        let parts = [&self.pins, &self.elector, file, name].map(str::as_bytes);
        format!("control-plane/{ELECTOR}-{}", fingerprint(parts))
    }

    /// What a release of Kubernetes is linked with, as far as the programs need it: they compare
    /// their versions.
    fn flags(&self) -> String {
        let mut numbers = self.version.trim_start_matches('v').split('.');
        let set =
            |name: &str, value: &str| format!(" -X k8s.io/component-base/version.{name}={value}");
        ["-s -w".to_owned()]
            .into_iter()
            .chain([
                set("gitVersion", &self.version),
                set("gitMajor", numbers.next().unwrap_or_default()),
                set("gitMinor", numbers.next().unwrap_or_default()),
                set("gitTreeState", "clean"),
            ])
            .collect()
    }

    fn build(
        &self,
        cache: &Cache,
        directory: &Path,
        packages: Vec<String>,
    ) -> Result<(), AssetsError> {
        let mut command = self.go();
        command.args(["build", "-trimpath", "-ldflags", &self.flags(), "-o"]).arg(directory);
        let label = format!("build {}", packages.join(" "));
        console::quietly(&label, command.args(packages), &cache.log("go-build")?)?;
        Ok(())
    }

    fn go(&self) -> Command {
        let mut command = Command::new("go");
        command.current_dir(&self.directory);
        command.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -buildvcs=false");
        command.env("GOWORK", "off").env_remove("GOOS").env_remove("GOARCH");
        command
    }
}

/// The Go sources of a program, in the order of their names.
fn sources(directory: &Path) -> Result<String, AssetsError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        |source| AssetsError::File { path, source }
    };
    let entries = fs::read_dir(directory).map_err(file(directory))?;
    let mut paths = entries
        .map(|entry| Ok(entry.map_err(file(directory))?.path()))
        .collect::<Result<Vec<_>, AssetsError>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "go"));
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).map_err(file(path))).collect()
}

/// The version of Kubernetes that a go.mod requires.
fn kubernetes(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut words = line.trim_start().trim_start_matches("require ").split_whitespace();
        (words.next()? == "k8s.io/kubernetes").then(|| words.next())?
    })
}

#[cfg(test)]
mod tests;
