//! What is said when a control plane does not start, without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::pki::Distribution;

/// Programs of this kind end at once, with a word.
fn assets(folder: &Path) {
    for program in [Program::Etcd, Program::ApiServer] {
        let path = folder.join(program.name());
        fs::write(&path, "#!/bin/sh\necho \"no disk for $0\"\nexit 3\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_program_that_ends_is_named_with_the_end_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    assets(folder.path());
    let pki = ClusterPki::new(Distribution::K3s).unwrap();
    let member = Member {
        name: "n1".into(),
        address: Ipv4Addr::LOCALHOST.into(),
        ports: Ports::free().unwrap(),
    };
    let spec = Spec {
        members: vec![member],
        pki: &pki,
        names: Vec::new(),
        anonymous: Anonymous::Refused,
        listening: Listening::default(),
        tokens: BTreeMap::new(),
        folder: folder.path().into(),
    };
    let assets = Assets::in_directory(folder.path());
    let mut plane = ControlPlane::start(spec, &assets, &[&Here]).unwrap();
    let error = plane.ready(&[&Here], Duration::from_secs(60), |_| {}).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ControlPlaneError::Ended { .. }), "{text}");
    assert!(text.contains("on n1 has ended (exit status: 3)"), "{text}");
    assert!(text.contains("no disk for"), "{text}");
    let key = folder.path().join("n1/server.key").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}
