//! What runtime, policy and registry come to.

use std::net::SocketAddr;

use super::super::registry::tests::registry;
use super::*;
use crate::cli::report::Verdict::{Failed, Ok as Good, Skipped, Warning};

const IMAGE: &str = "ghcr.io/a/kube-vip:v1";

fn wanted(policy: Policy) -> Wanted<'static> {
    Wanted { image: IMAGE, policy, root: Path::new("/nowhere"), authorities: None }
}

fn there() -> Presence {
    Presence::There("/run/x.sock".to_owned())
}

fn absent() -> Presence {
    Presence::Absent("/run/x.sock".to_owned())
}

#[test]
fn the_policy_is_the_manifests_or_the_api_servers() {
    assert_eq!(Policy::of(Some("Never"), "a"), Policy::Never);
    assert_eq!(Policy::of(Some("Always"), "a:1"), Policy::Always);
    assert_eq!(Policy::of(Some("IfNotPresent"), "a"), Policy::IfNotPresent);
    assert_eq!(Policy::of(None, "a"), Policy::Always, "latest");
    assert_eq!(Policy::of(None, "a:1"), Policy::IfNotPresent);
}

#[test]
fn without_a_registry_the_runtime_decides() {
    assert_eq!(alone(&there(), IMAGE).result, Good);
    assert_eq!(alone(&absent(), IMAGE).result, Failed);
    assert_eq!(alone(&Presence::NoRuntime, IMAGE).result, Skipped);
}

#[test]
fn what_is_neither_here_nor_to_be_had_fails_and_doubts_are_warnings() {
    let place = Place::of(IMAGE).unwrap();
    let hidden = || Pull::Hidden(http::StatusCode::FORBIDDEN);
    let away = || Pull::Unknown("cannot connect".to_owned());
    let mirrors = Some(Path::new("/etc/rancher/k3s/registries.yaml"));
    for (policy, presence, mirrors, pull, result, says) in [
        (Policy::IfNotPresent, absent(), None, Pull::There(None), Good, "has it for anybody"),
        (Policy::IfNotPresent, absent(), None, Pull::Absent, Failed, "ghcr.io has none such"),
        (
            Policy::IfNotPresent,
            absent(),
            mirrors,
            Pull::Absent,
            Warning,
            "k3s/registries.yaml names",
        ),
        (Policy::IfNotPresent, absent(), None, hidden(), Warning, "answers 403"),
        (Policy::IfNotPresent, absent(), None, away(), Warning, "cannot connect"),
        (Policy::IfNotPresent, Presence::NoRuntime, None, Pull::Absent, Warning, "none such"),
        (Policy::IfNotPresent, Presence::NoRuntime, None, Pull::There(None), Good, "no runtime"),
        (Policy::Always, there(), None, Pull::There(None), Good, "Always"),
        (Policy::Always, there(), None, away(), Warning, "imagePullPolicy is Always"),
        (Policy::Always, there(), None, Pull::Absent, Failed, "ghcr.io has none such"),
    ] {
        let scene = Scene { place: &place, presence: &presence, mirrors };
        let row = scene.judge(&wanted(policy), &pull);
        assert_eq!(row.result, result, "{policy:?} {presence:?} {pull:?}: {row:?}");
        assert!(row.evidence.contains(says), "{says:?} in {row:?}");
        assert_eq!(row.remedy.is_some(), result != Good);
    }
}

/// A host's root with these files.
fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

async fn asked(root: &Path, image: &str, authorities: Option<&Path>) -> Row {
    row(Wanted { image, policy: Policy::IfNotPresent, root, authorities }).await
}

#[tokio::test]
async fn a_host_without_a_runtime_asks_the_registry_by_its_own_authorities() {
    let (at, pem): (SocketAddr, String) = registry().await;
    let image = |name: &str| format!("{at}/{name}:v1");
    let host = root(&[("etc/ssl/certs/ca-certificates.crt", &pem)]);
    let row = asked(host.path(), &image("there"), None).await;
    assert_eq!(row.result, Good, "{row:?}");
    assert_eq!(row.subject, Some(image("there")));
    assert_eq!(asked(host.path(), &image("absent"), None).await.result, Warning);

    let other = root(&[("etc/rancher/rke2/registries.yaml", "mirrors:"), ("own.pem", &pem)]);
    let row = asked(other.path(), &image("absent"), Some(&other.path().join("own.pem"))).await;
    let names = "mirrors that /etc/rancher/rke2/registries.yaml names were not asked";
    assert!(row.evidence.contains(names), "{row:?}");
    let row = asked(other.path(), &image("there"), None).await;
    assert_eq!(row.result, Warning);
    assert!(row.evidence.contains("no certificates of authorities"), "{row:?}");
    let row = asked(other.path(), "no name", None).await;
    assert_eq!((row.result, row.evidence.as_str()), (Failed, "that is no image's name"));
}
