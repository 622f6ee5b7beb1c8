//! The pod: one container on the host's network, with the rights that it needs and no more.

use std::path::Path;

use serde_json::{Value, json};

use super::{ACCOUNT, Access, Layout, environment};
use crate::settings::{ADMIN_CONF, Settings};

/// The `spec` of a pod.
pub(super) fn spec(settings: &Settings, layout: &Layout) -> Value {
    let (mounts, volumes) = storage(settings, layout);
    let mut spec = json!({
        "containers": [container(settings, layout, &mounts)],
        "hostNetwork": true,
    });
    match &layout.access {
        Access::Account => spec["serviceAccountName"] = json!(ACCOUNT),
        // There, the original asks the API server by this name, whatever the kubeconfig says.
        Access::Kubeconfig { mount, .. } if mount == ADMIN_CONF => {
            spec["hostAliases"] = json!([{ "hostnames": ["kubernetes"], "ip": "127.0.0.1" }]);
        }
        Access::Kubeconfig { .. } => {}
    }
    if !layout.priority_class.is_empty() {
        spec["priorityClassName"] = json!(layout.priority_class);
    }
    if !volumes.is_empty() {
        spec["volumes"] = json!(volumes);
    }
    spec
}

/// The number of a system's priority class. For a static pod nobody looks it up but the API server,
/// and kubelet orders pods by it when the node shuts down.
pub(super) fn priority(class: &str) -> Option<i32> {
    match class {
        "system-node-critical" => Some(2_000_001_000),
        "system-cluster-critical" => Some(2_000_000_000),
        _ => None,
    }
}

fn container(settings: &Settings, layout: &Layout, mounts: &[Value]) -> Value {
    let mut container = json!({
        "args": environment::arguments(settings),
        "env": environment::variables(settings, layout),
        "image": layout.image,
        "imagePullPolicy": "IfNotPresent",
        "name": "kube-vip",
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
    });
    probes(settings, &mut container);
    let mut requests = json!({});
    for (name, amount) in [("cpu", &layout.cpu), ("memory", &layout.memory)] {
        if !amount.is_empty() {
            requests[name] = json!(amount);
        }
    }
    let none = requests.as_object().is_none_or(serde_json::Map::is_empty);
    container["resources"] = if none { json!({}) } else { json!({ "requests": requests }) };
    if !mounts.is_empty() {
        container["volumeMounts"] = json!(mounts);
    }
    container
}

/// Whether it can serve is asked wherever it listens. Whether it lives is asked only at a port that
/// is for that alone: at that of `/metrics` another process may answer, and a daemon that is killed
/// for it again and again is worse than none.
fn probes(settings: &Settings, container: &mut Value) {
    let values = settings.values();
    let get = |path: &str, port: u16| json!({ "path": path, "port": port });
    let probe = |get: Value, failures: u8| {
        json!({
            "failureThreshold": failures,
            "httpGet": get,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
        })
    };
    if let Some(port) = values.health_port {
        container["livenessProbe"] = probe(get("/livez", port), 6);
        container["readinessProbe"] = probe(get("/readyz", port), 3);
    } else if let Some(listen) = values.metrics.filter(|listen| listen.port != 0) {
        let mut get = get("/readyz", listen.port);
        if let Some(address) = listen.address.filter(|address| !address.is_unspecified()) {
            get["host"] = json!(address.to_string());
        }
        container["readinessProbe"] = probe(get, 3);
    }
}

/// Mounts and volumes: the kubeconfig, and the files that settings name.
fn storage(settings: &Settings, layout: &Layout) -> (Vec<Value>, Vec<Value>) {
    let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
    let volume = |name: &str, path: &str, kind: &str| {
        let place = json!({ "path": path, "type": kind });
        json!({ "hostPath": place, "name": name })
    };
    if let Access::Kubeconfig { host, mount } = &layout.access {
        mounts.push(json!({ "mountPath": mount, "name": "kubeconfig", "readOnly": true }));
        volumes.push(volume("kubeconfig", host, "File"));
    }
    let values = settings.values();
    let authority = &values.health_ca_path;
    if !authority.is_empty() {
        mounts.push(json!({ "mountPath": authority, "name": "health-ca", "readOnly": true }));
        volumes.push(volume("health-ca", authority, "File"));
    }
    // The file is not there before it is first written.
    let folder = Path::new(&values.black_box_file).parent().and_then(Path::to_str);
    if let Some(folder) = folder.filter(|folder| folder.len() > 1) {
        mounts.push(json!({ "mountPath": folder, "name": "black-box" }));
        volumes.push(volume("black-box", folder, "DirectoryOrCreate"));
    }
    (mounts, volumes)
}
