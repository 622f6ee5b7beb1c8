//! What manifests say, and what is typed beside them.

use super::*;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-vip
spec:
  containers:
  - name: kube-vip
    image: ghcr.io/kube-vip/kube-vip:v1.0.3
    args: [manager, --prometheusHTTPServer, ':2113']
    env:
    - { name: address, value: 192.168.20.140 }
    - name: vip_leasename
      value: kube-vip-cp
    - name: vip_nodename
      valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
---
apiVersion: v1
kind: ConfigMap
";

const DAEMON_SET: &str = "\
kind: DaemonSet
spec:
  template:
    spec:
      containers:
      - name: proxy
        image: haproxy:3.2
        env: [{ name: address, value: 10.0.0.9 }]
      - name: vip
        image: localhost:5000/mirror/kube-vip@sha256:00
        args: [manager, --address, '10.0.0.1,fd00::1']
";

fn addresses(known: &Known) -> Vec<String> {
    known.wanted.addresses.iter().map(ToString::to_string).collect()
}

fn names(known: &Known) -> Vec<String> {
    known.elections.iter().map(ToString::to_string).collect()
}

#[test]
fn manifests_in_the_usual_places_are_read() {
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join(DIRECTORIES[1]);
    fs::create_dir_all(&directory).expect("writable");
    fs::write(directory.join("kube-vip.yaml"), POD).expect("writable");
    fs::write(directory.join("other.yaml"), "kind: Pod\nspec: {").expect("writable");
    let known = Known::found(&Inputs::default(), root.path());
    assert_eq!(addresses(&known), ["192.168.20.140"]);
    assert_eq!(names(&known), ["kube-system/kube-vip-cp", "kube-system/plndr-cp-lock"]);
    assert!(known.node.is_some(), "the host name");
    assert_eq!(known.notes, Vec::<String>::new());
}

#[test]
fn what_is_typed_counts_beside_a_manifest() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("kube-vip.yaml");
    fs::write(&file, DAEMON_SET).expect("writable");
    let mut inputs = Inputs::default();
    inputs.environment.insert("address".to_owned(), "192.168.20.140/24, vip.example".to_owned());
    inputs.environment.insert("vip_nodename".to_owned(), "cp-1".to_owned());
    inputs.flags.insert("tableID".to_owned(), "199".to_owned());
    let known = Known::given(&inputs, std::slice::from_ref(&file)).expect("a manifest");
    assert_eq!(addresses(&known), ["10.0.0.1", "192.168.20.140", "fd00::1"]);
    assert_eq!(known.node.expect("a name").as_str(), "cp-1");
    assert_eq!((known.wanted.table, known.wanted.protocol), (199, 248));
    assert_eq!(known.notes.len(), 1);
    assert!(known.notes[0].contains("vip.example"), "{:?}", known.notes);
}

#[test]
fn a_manifest_of_something_else_is_refused_and_nothing_known_is_said() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("other.yaml");
    fs::write(&file, "kind: Pod\nspec: { containers: [{ name: a, image: b }] }\n").expect("w");
    let refused = Known::given(&Inputs::default(), &[file]).expect_err("none of kube-vip");
    assert!(refused.contains("no container of kube-vip"), "{refused}");
    let missing = Known::given(&Inputs::default(), &[root.path().join("absent")]);
    assert!(missing.expect_err("it is not there").contains("No such file"));
    let known = Known::found(&Inputs::default(), root.path());
    assert!(known.notes[0].contains("none is known (--address"), "{:?}", known.notes);
}
