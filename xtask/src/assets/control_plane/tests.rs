//! Unit tests of `assets::control_plane`.

use super::*;

#[test]
fn the_version_is_the_one_that_go_mod_requires() {
    let text =
        "module m\n\nrequire (\n\tk8s.io/api v0.34.4\n\tk8s.io/kubernetes v1.34.4 // indirect\n)\n";
    assert_eq!(kubernetes(text), Some("v1.34.4"));
    assert_eq!(kubernetes("require k8s.io/kubernetes v1.34.0\n"), Some("v1.34.0"));
    assert_eq!(kubernetes("tool k8s.io/kubernetes/cmd/kubelet\n"), None);
}

#[test]
fn the_module_of_this_repository_is_pinned_throughout() {
    let module = ControlPlane::read(&[]).expect("the module");
    let staging = module.version.replace("v1.", "v0.");
    let replaced: Vec<&str> =
        module.pins.lines().filter(|line| line.contains(" => k8s.io/")).collect();
    assert!(replaced.len() >= 31, "{replaced:?}");
    for line in replaced {
        assert!(line.ends_with(&format!(" {staging}")), "{line} does not go with {staging}");
    }
    assert!(module.flags().contains(&format!("gitVersion={}", module.version)));
}

fn control_plane(pins: &str, names: &[&'static str]) -> ControlPlane {
    ControlPlane {
        directory: PathBuf::from("/"),
        pins: pins.to_owned(),
        version: "v1.34.4".to_owned(),
        names: names.to_vec(),
        pause: String::new(),
        elector: String::new(),
    }
}

#[test]
fn other_pins_and_other_programs_are_other_artefacts() {
    let key = control_plane("a", &["kubelet"]).key();
    assert_ne!(key, control_plane("b", &["kubelet"]).key());
    assert_ne!(key, control_plane("a", &["kubelet", "kube-apiserver"]).key());
    assert!(key.starts_with("control-plane/v1.34.4-"), "{key}");
}

#[test]
fn go_is_not_missed_where_everything_is_built() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::at(directory.path().to_owned()).expect("a cache in it");
    let wanted = control_plane("a", &["kubelet"]);
    for key in [wanted.key(), wanted.pause_key(), wanted.elector_key()] {
        fs::create_dir_all(directory.path().join(key)).expect("made");
    }
    assert_eq!(wanted.missing(&cache), "");
}

#[test]
fn programs_that_are_given_are_not_built() {
    let control_plane = ControlPlane::read(&["kube-apiserver", "etcd"]).expect("the module");
    assert_eq!(control_plane.names, ["kubectl", "kubelet"]);
}
