//! Whether the kubelet will have the image: in the node's container runtime, or from its registry.

use std::fs;
use std::path::{Path, PathBuf};

use super::registry::{self, Place, Pull};
use super::runtime::{self, Presence};
use crate::cli::report::Row;
use crate::drivers::lease::https::Https;

#[cfg(test)]
mod tests;

const CHECK: &str = "image";

/// Where a host has the authorities that it trusts: Debian and Alpine, Fedora, openSUSE, RHEL.
const AUTHORITIES: [&str; 5] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/cert.pem",
];

/// Where runtimes are told of mirrors, whatever the registry: k3s, RKE2, containerd.
const MIRRORS: [&str; 3] = [
    "etc/rancher/k3s/registries.yaml",
    "etc/rancher/rke2/registries.yaml",
    "etc/containerd/certs.d/_default/hosts.toml",
];

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) enum Policy {
    Always,
    #[default]
    IfNotPresent,
    Never,
}

impl Policy {
    /// As a container has it, or else the API server's default for that image.
    pub(in crate::cli) fn of(text: Option<&str>, image: &str) -> Self {
        match text {
            Some("Always") => Self::Always,
            Some("IfNotPresent") => Self::IfNotPresent,
            Some("Never") => Self::Never,
            _ if Place::of(image).is_some_and(|place| place.is_latest()) => Self::Always,
            _ => Self::IfNotPresent,
        }
    }
}

/// What is looked for, and where.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Wanted<'a> {
    pub(in crate::cli) image: &'a str,
    pub(in crate::cli) policy: Policy,
    /// The host's root.
    pub(in crate::cli) root: &'a Path,
    /// A file with authorities that are trusted instead of the host's (`SSL_CERT_FILE`).
    pub(in crate::cli) authorities: Option<&'a Path>,
}

/// The row about it. The registry is asked where the runtime has not what it may need.
pub(in crate::cli) async fn row(wanted: Wanted<'_>) -> Row {
    let presence = match runtime::presence(wanted.root, wanted.image).await {
        Ok(presence) => presence,
        Err((evidence, remedy)) => {
            return Row::unknown(CHECK, evidence, remedy).of(wanted.image);
        }
    };
    let has = matches!(presence, Presence::There(_));
    let row = match wanted.policy {
        Policy::Never => alone(&presence, wanted.image),
        Policy::IfNotPresent if has => alone(&presence, wanted.image),
        Policy::IfNotPresent | Policy::Always => pulled(&wanted, &presence).await,
    };
    row.of(wanted.image)
}

/// What the runtime has decides.
fn alone(presence: &Presence, image: &str) -> Row {
    match presence {
        Presence::There(at) => Row::ok(CHECK, format!("the runtime at {at} has it")),
        Presence::Absent(at) => Row::failed(
            CHECK,
            format!("the runtime at {at} has it not, and imagePullPolicy is Never"),
            format!("crictl pull {image}; without a registry, ctr -n k8s.io images import FILE"),
        ),
        Presence::NoRuntime => Row::skipped(CHECK, NO_RUNTIME),
    }
}

const NO_RUNTIME: &str =
    "not checked: no CRI socket of containerd or CRI-O is here; run it on a node, as root";

async fn pulled(wanted: &Wanted<'_>, presence: &Presence) -> Row {
    let Some(place) = Place::of(wanted.image) else {
        return Row::failed(CHECK, "that is no image's name", "write registry/repository:tag");
    };
    let pull = match authorities(wanted) {
        Ok(pem) => match Https::trusting(&pem) {
            Ok(https) => registry::ask(&https, &place).await,
            Err(why) => Pull::Unknown(why),
        },
        Err(why) => Pull::Unknown(why),
    };
    let mirrors = mirrors(wanted.root, &place);
    let scene = Scene { place: &place, presence, mirrors: mirrors.as_deref() };
    scene.judge(wanted, &pull)
}

/// The authorities in PEM; the error is for people.
fn authorities(wanted: &Wanted<'_>) -> Result<Vec<u8>, String> {
    if let Some(file) = wanted.authorities {
        return fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
    }
    let mut files = AUTHORITIES.iter().filter_map(|file| fs::read(wanted.root.join(file)).ok());
    files.next().ok_or_else(|| {
        "this host has no certificates of authorities (ca-certificates); SSL_CERT_FILE names some"
            .to_owned()
    })
}

/// The file that tells the runtime of mirrors; none: there is none.
fn mirrors(root: &Path, place: &Place) -> Option<PathBuf> {
    let own = format!("etc/containerd/certs.d/{}/hosts.toml", place.registry);
    let all = MIRRORS.into_iter().chain([own.as_str()]);
    let mut all = all.map(|file| (root.join(file), file.to_owned()));
    all.find(|(path, _)| path.exists()).map(|(_, file)| Path::new("/").join(file))
}

/// What is known of the node and the registry beside its answer.
struct Scene<'a> {
    place: &'a Place,
    presence: &'a Presence,
    mirrors: Option<&'a Path>,
}

impl Scene<'_> {
    fn judge(&self, wanted: &Wanted<'_>, pull: &Pull) -> Row {
        let Wanted { image, policy, .. } = wanted;
        let (registry, here) = (&self.place.registry, self.here());
        let mirrors = match self.mirrors {
            Some(file) => format!("; mirrors that {} names were not asked", file.display()),
            None => String::new(),
        };
        let import = format!(
            "crictl pull {image} tries it; without a registry, ctr -n k8s.io images import FILE"
        );
        let remedy = match (policy, self.presence) {
            (Policy::Always, Presence::There(_)) => {
                "imagePullPolicy: IfNotPresent, so that a node starts without the registry"
                    .to_owned()
            }
            _ => import,
        };
        let doubt = |why: String| {
            Row::warning(CHECK, format!("{here}; {registry}: {why}{mirrors}"), remedy.clone())
        };
        match pull {
            Pull::There(digest) => {
                let digest = digest.as_ref().map(|digest| format!(" ({digest})"));
                let digest = digest.unwrap_or_default();
                Row::ok(CHECK, format!("{here}; {registry} has it for anybody{digest}"))
            }
            // What comes later may be imported, or be in a mirror.
            Pull::Absent if self.mirrors.is_none() && *self.presence != Presence::NoRuntime => {
                Row::failed(CHECK, format!("{here}; {registry} has none such"), remedy)
            }
            Pull::Absent => doubt("there is none such".to_owned()),
            Pull::Hidden(status) => doubt(format!(
                "it answers {} to whoever has no credentials: the image is not for everybody, or \
                 not there; the node's own credentials are not used here",
                status.as_u16()
            )),
            Pull::Unknown(why) => doubt(why.clone()),
        }
    }

    fn here(&self) -> String {
        match self.presence {
            Presence::There(at) => {
                format!("the runtime at {at} has it, and imagePullPolicy is Always")
            }
            Presence::Absent(at) => format!("the runtime at {at} has it not"),
            Presence::NoRuntime => "no runtime is here yet".to_owned(),
        }
    }
}
