//! What is read of manifests.

use super::*;
use crate::cli::report::Verdict;

fn deployed() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/static-pod.yaml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_manifest_that_is_handed_out_is_as_it_should_be() {
    let manifest = Manifest::parse(&deployed()).unwrap();
    assert_eq!(manifest.environment["address"], "192.168.20.140");
    assert_eq!(manifest.environment["vip_interface"], "end0");
    let kubeconfig = manifest.on_the_node(Path::new("/.kube/config")).unwrap();
    assert_eq!(kubeconfig, Path::new("/etc/rancher/k3s/k3s.yaml"));
    assert_eq!(manifest.on_the_node(Path::new("/etc/kubernetes/admin.conf")), None);
    let row = manifest.judge(Path::new("static-pod.yaml"));
    assert_eq!(row.result, Verdict::Ok, "{row:?}");
}

#[test]
fn what_a_pod_is_not_given_is_named() {
    let text = deployed()
        .replace("hostNetwork: true", "hostNetwork: false")
        .replace("\"NET_ADMIN\", \"NET_RAW\", \"SYS_TIME\"", "\"SYS_TIME\"");
    let row = Manifest::parse(&text).unwrap().judge(Path::new("static-pod.yaml"));
    assert_eq!(row.result, Verdict::Failed);
    assert!(row.evidence.contains("hostNetwork is not true"), "{row:?}");
    assert!(row.evidence.contains("lacks NET_ADMIN, NET_RAW"), "{row:?}");
}

#[test]
fn flags_and_daemon_sets_are_read() {
    let text = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-vip, namespace: net}
spec:
  template:
    spec:
      containers:
        - name: other
          image: other
        - name: kube-vip
          image: kube-vip:1
          args: [manager, --address=10.0.0.9, --port, '6444', --arp]
          volumeMounts: [{name: k, mountPath: /etc/kubernetes}]
      volumes: [{name: k, hostPath: {path: /var/k}}]
";
    let manifest = Manifest::parse(text).unwrap();
    assert_eq!(manifest.flags["address"], "10.0.0.9");
    assert_eq!(manifest.flags["port"], "6444");
    assert_eq!(manifest.flags["arp"], "true");
    let inside = manifest.on_the_node(Path::new("/etc/kubernetes/admin.conf")).unwrap();
    assert_eq!(inside, Path::new("/var/k/admin.conf"));
}

#[test]
fn what_is_no_manifest_is_refused() {
    assert!(Manifest::parse("kind: ConfigMap\n").unwrap_err().contains("no Pod"));
    assert!(Manifest::parse("a: [").unwrap_err().contains("no YAML"));
    let strange = deployed().replace("- manager", "- manager\n        - --no-such-flag");
    assert!(Manifest::parse(&strange).unwrap_err().contains("args are refused"));
}
