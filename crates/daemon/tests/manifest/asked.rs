//! What people ask for, and installers do with the answer.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;

use super::program::{NODE, both, err, out, run};

fn pod(flags: &[&str]) -> Pod {
    let flags = [&NODE[..], flags].concat();
    serde_saphyr::from_str(&out(&["manifest", "pod"], &flags)).expect("a Pod")
}

#[test]
fn all_errors_come_at_once_and_as_the_daemons() {
    for command in [&["manifest", "pod"][..], &["manifest", "daemonset"], &["kubeadm", "init"]] {
        let flags = ["--port=0", "--services", "--interface=a/b"];
        let text = err(&[command, &flags].concat());
        for part in [
            "kube-vip would not start: 5 settings are wrong",
            "vip_arp (--arp)",
            "there is no address to keep",
            "nothing can listen on port 0",
            "no interface can have this name",
            "the handling of Services of type LoadBalancer is not in this version",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let text = err(&["manifest", "rbac", "--leaseName=A/B"]);
    assert!(text.contains("one setting is wrong") && text.contains("vip_leasename"), "{text}");
}

#[test]
fn warnings_are_beside_the_yaml() {
    let flags = [&["manifest", "pod"], &NODE[..], &["--vip=192.168.20.141"]].concat();
    let (text, notes) = both(&flags, &[("cp_enabled", "true"), ("HOME", "/root")]);
    assert!(text.starts_with("apiVersion: v1\nkind: Pod\n"), "{text}");
    assert!(notes.contains("vip_address=") || notes.contains("--vip="), "{notes}");
    assert!(notes.contains("is cp_enable meant?"), "{notes}");
    assert!(!text.contains("/root"), "{text}");
}

#[test]
fn the_environment_counts_and_is_named() {
    let flags = [&["kubeadm", "init"], &NODE[..]].concat();
    let environment = [("address", "10.0.0.9"), ("KUBECONFIG", "/tmp/mine")];
    let (text, notes) = both(&flags, &environment);
    assert!(text.contains("    - name: address\n      value: \"10.0.0.9\"\n"), "{text}");
    assert!(notes.starts_with("taken from the environment: address\n"), "{notes}");
    assert!(!text.contains("KUBECONFIG"), "{text}");
}

#[test]
fn what_a_file_says_is_written_out() {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    std::io::Write::write_all(&mut file, b"address: 10.0.0.9\nlog_format: json\n").expect("room");
    let (command, path) = (["manifest", "pod", "--arp", "--controlplane"], file.path().display());
    let text = out(&command, &[&format!("--config-file={path}")]);
    assert!(text.contains("    - name: address\n      value: \"10.0.0.9\"\n"), "{text}");
    assert!(text.contains("    - name: log_format\n      value: json\n"), "{text}");
    assert!(!text.contains("config-file") && !text.contains("config_file"), "{text}");
    let named = [("config_file", path.to_string())];
    let named = named.each_ref().map(|(name, path)| (*name, path.as_str()));
    assert_eq!(both(&command, &named), (text, String::new()));
}

#[test]
fn an_interface_on_another_host_is_not_looked_for_here() {
    let on = |name: &str| {
        let interface = format!("--interface={name}");
        both(&["manifest", "pod", "--arp", "--controlplane", "--address=10.0.0.9", &interface], &[])
    };
    assert_eq!(on("bond0.100").1, "");
    assert!(on("lo").1.contains("nothing outside this host sees an announcement on lo"));
}

#[test]
fn without_taint_the_daemon_set_gets_a_warning() {
    let flags = [&["manifest", "daemonset"], &NODE[..]].concat();
    let (text, notes) = both(&flags, &[]);
    assert!(!text.contains("tolerations") && notes.contains("--taint"), "{notes}");
    let set: DaemonSet = serde_saphyr::from_str(&text).expect("a DaemonSet");
    assert_eq!(set.metadata.name.as_deref(), Some("kube-vip-ds"));
}

#[test]
fn kubeadm_prints_what_manifest_pod_does() {
    let pod = out(&["manifest", "pod"], &NODE);
    assert_eq!(out(&["kubeadm", "init"], &NODE), pod);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let config = format!("--config={}", file.path().display());
    assert_eq!(out(&["kubeadm", "join", &config], &NODE), pod);
    let text = err(&["kubeadm", "join", "--config=/nowhere/admin.conf"]);
    assert!(text.starts_with("--config: there is no file /nowhere/admin.conf"), "{text}");
}

#[test]
fn the_kubeconfig_is_where_each_distribution_has_it() {
    for (flags, host, mount, alias) in [
        (&[][..], "/etc/kubernetes/admin.conf", "/etc/kubernetes/admin.conf", true),
        (&["--distribution=k3s"], "/etc/rancher/k3s/k3s.yaml", "/.kube/config", false),
        (&["--distribution=rke2"], "/etc/rancher/rke2/rke2.yaml", "/.kube/config", false),
        (
            &["--k8sConfigPath=/etc/rancher/k3s/k3s.yaml"],
            "/etc/rancher/k3s/k3s.yaml",
            "/etc/kubernetes/admin.conf",
            true,
        ),
        (
            &["--distribution=k3s", "--kubeconfigMountPath=/etc/kubernetes/admin.conf"],
            "/etc/rancher/k3s/k3s.yaml",
            "/etc/kubernetes/admin.conf",
            true,
        ),
    ] {
        let spec = pod(flags).spec.expect("a spec");
        let volume = &spec.volumes.as_ref().expect("volumes")[0];
        let file = volume.host_path.as_ref().expect("a path on the node");
        assert_eq!((file.path.as_str(), file.type_.as_deref()), (host, Some("File")));
        let container = &spec.containers[0];
        let there = &container.volume_mounts.as_ref().expect("mounts")[0];
        assert_eq!((there.mount_path.as_str(), &there.name), (mount, &volume.name));
        assert_eq!(spec.host_aliases.is_some(), alias);
        let variables = container.env.as_ref().expect("variables");
        let config = variables.iter().find(|one| one.name == "k8s_config_file");
        assert_eq!(config.and_then(|one| one.value.as_deref()), (!alias).then_some(mount));
    }
}

#[test]
fn probes_go_where_it_listens() {
    for (flags, live, ready) in [
        (&[][..], None, Some(("2112", None))),
        (&["--prometheusHTTPServer="], None, None),
        (
            &["--prometheusHTTPServer=127.0.0.1:9", "--healthCheckPort=0"],
            None,
            Some(("9", Some("127.0.0.1"))),
        ),
        (&["--healthCheckPort=9442"], Some("9442"), Some(("9442", None))),
    ] {
        let spec = pod(flags).spec.expect("a spec");
        let container = &spec.containers[0];
        let get = |probe: &Option<k8s_openapi::api::core::v1::Probe>| {
            let get = probe.as_ref()?.http_get.clone()?;
            let port = serde_json::to_value(&get.port).expect("a port");
            Some((port.to_string(), get.host))
        };
        let asked = get(&container.readiness_probe);
        let asked = asked.as_ref().map(|(port, host)| (port.as_str(), host.as_deref()));
        assert_eq!(asked, ready, "{flags:?}");
        let lives = get(&container.liveness_probe);
        assert_eq!(lives.as_ref().map(|(port, _)| port.as_str()), live, "{flags:?}");
    }
}

#[test]
fn no_setting_makes_the_container_privileged() {
    let flags =
        ["--lbForwardingMethod=masquerade", "--enableNodeLabeling", "--healthCheckPort=9442"];
    let container = pod(&flags).spec.expect("a spec").containers.remove(0);
    let context = container.security_context.expect("a security context");
    assert_eq!((context.privileged, context.allow_privilege_escalation), (None, Some(false)));
    assert_eq!(context.read_only_root_filesystem, Some(true));
    let capabilities = context.capabilities.expect("capabilities");
    assert_eq!(capabilities.add.unwrap_or_default(), ["NET_ADMIN", "NET_RAW"]);
    assert_eq!(capabilities.drop.unwrap_or_default(), ["ALL"]);
}

#[test]
fn nodes_may_be_changed_only_to_label_them() {
    for (flags, verbs) in [
        (&[][..], 0),
        (&["--enableNodeLabeling=false"], 0),
        (&["--enableNodeLabeling"], 1),
        (&["--enableNodeLabeling", "--rolebinding"], 0),
    ] {
        let text = both(&[&["manifest", "rbac"], flags].concat(), &[]).0;
        assert_eq!(text.matches("- patch").count(), verbs, "{flags:?}: {text}");
        for verb in ["- delete", "- '*'", "- \"*\"", "secrets", "services"] {
            assert!(!text.contains(verb), "{verb}: {text}");
        }
    }
}

#[test]
fn an_image_without_a_tag_gets_the_releases() {
    let release = concat!("v", env!("CARGO_PKG_VERSION"));
    for (given, expected) in [
        ("registry.example:5000/kube-vip", format!("registry.example:5000/kube-vip:{release}")),
        ("kube-vip:main", "kube-vip:main".to_owned()),
        ("kube-vip@sha256:12", "kube-vip@sha256:12".to_owned()),
    ] {
        let flag = format!("--image={given}");
        let spec = pod(&[&flag]).spec.expect("a spec");
        assert_eq!(spec.containers[0].image.as_deref(), Some(expected.as_str()));
    }
}

/// What cluster-api's providers, kubeadm wrappers and installers do with sed: each pattern is a
/// line of its own.
#[test]
fn installers_find_the_lines_that_they_edit() {
    let text = out(&["manifest", "pod"], &NODE);
    for line in [
        "      path: /etc/kubernetes/admin.conf",
        "    - mountPath: /etc/kubernetes/admin.conf",
        "    imagePullPolicy: IfNotPresent",
        "  hostNetwork: true",
        "  hostAliases:",
        "  - args:",
        "    - manager",
        "    - name: vip_leaderelection\n      value: \"true\"",
        "    - name: vip_interface\n      value: end0",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
    }
    let image = text.lines().position(|line| line.starts_with("    image: ")).expect("an image");
    assert_eq!(text.lines().nth(image + 1), Some("    imagePullPolicy: IfNotPresent"));
}

#[test]
fn groups_of_commands_show_their_help() {
    for command in ["manifest", "kubeadm"] {
        let output = run(&[command], &[]);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains("Commands:"), "{text}");
    }
}
