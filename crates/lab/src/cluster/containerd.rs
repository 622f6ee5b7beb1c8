//! containerd on a node, with a root, a state and a socket of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::ClusterError;
use super::assets::Assets;
use super::machine::{self, Machine};
use crate::net::Host;

/// Where containerd listens, as its node sees it.
pub const SOCKET: &str = "/run/containerd/containerd.sock";

/// The image that every pod's sandbox runs.
const PAUSE: &str = "localhost/kube-vip-lab/pause:1";

/// How long containerd may take to start and to import an image, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An image to import.
#[derive(Clone, Debug)]
pub struct Image {
    /// A tar in the layout of the OCI.
    pub tar: PathBuf,
    /// Its name in the tar.
    pub name: String,
    /// The name that manifests know it by.
    pub known_as: String,
}

/// The programs of a runtime.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    containerd: PathBuf,
    shim: PathBuf,
    ctr: PathBuf,
    runc: PathBuf,
    pause: PathBuf,
}

impl Programs {
    pub(super) fn find(assets: &Assets) -> Result<Self, ClusterError> {
        Ok(Self {
            containerd: assets.program("containerd")?,
            shim: assets.program("containerd-shim-runc-v2")?,
            ctr: assets.program("ctr")?,
            runc: assets.program("runc")?,
            pause: assets.program("pause-image.tar")?,
        })
    }

    /// containerd's command; it starts shims from its PATH.
    pub(super) fn containerd(&self, machine: &Machine) -> Result<Command, ClusterError> {
        machine.write("/var/lib/containerd/config.toml", &self.configuration())?;
        let shims = self.shim.parent().unwrap_or(Path::new("/"));
        let mut command = Command::new(&self.containerd);
        command
            .args(["--config", "/var/lib/containerd/config.toml"])
            .env_clear()
            .env("PATH", format!("{}:{}", shims.display(), machine::PATH));
        Ok(command)
    }

    /// Imports the images that pods need, and bundled ones; waits until containerd answers.
    pub(super) fn import(
        &self,
        (machine, host): (&Machine, &Host),
        images: &[Image],
        bundled: &[PathBuf],
    ) -> Result<(), ClusterError> {
        let run = |arguments: &[&str]| machine.run(host, self.ctr(arguments), PATIENCE);
        let import = |tar: &Path| {
            let tar = tar.display().to_string();
            run(&["images", "import", "--snapshotter=native", &tar])
        };
        // ctr waits for the socket's file, but not until somebody listens there.
        let until = Instant::now() + PATIENCE;
        while let Err(error) = run(&["version"]) {
            if Instant::now() > until {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(100));
        }
        import(&self.pause)?;
        bundled.iter().try_for_each(|tar| import(tar))?;
        for image in images {
            import(&image.tar)?;
            if image.name != image.known_as {
                run(&["images", "tag", "--force", &image.name, &image.known_as])?;
            }
        }
        Ok(())
    }

    fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ctr);
        command
            .args(["--address", SOCKET, "--namespace", "k8s.io", "--connect-timeout", "60s"])
            .args(arguments)
            .env_clear()
            .env("PATH", machine::PATH);
        command
    }

    /// Only what a node of its own needs: no plugin that looks for file systems or networks of
    /// this machine, and nothing in its /opt.
    fn configuration(&self) -> String {
        let runc = self.runc.display();
        format!(
            r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.overlayfs",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{runc}"
"#
        )
    }
}
