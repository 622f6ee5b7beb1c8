//! Directories that stand for hosts, and the playbook that is run on them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kube_vip_lab::cluster::assets::Assets;
use serde_json::{Value, json};

/// Prints the Leases that a file makes, or fails as without an API server.
const KUBECTL: &str = "\
#!/bin/sh
test -f \"$(dirname \"$0\")/leases.sh\" || exit 1
. \"$(dirname \"$0\")/leases.sh\"
";

const PLAY: &str = "\
- name: Deploy kube-vip on control plane
  hosts: tp_cluster_controlplane
  gather_facts: false
  roles:
    - role: kube-vip
      tags: [kube-vip]
";

/// Hosts without anything on them.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    ansible: PathBuf,
}

impl Desk {
    pub(crate) const HOSTS: [&str; 3] = ["a", "b", "c"];
    /// Nobody has it: the loopback interface answers for it without having it.
    pub(crate) const ADDRESS: &str = "127.0.77.77";

    pub(crate) fn new() -> Self {
        let ansible = Assets::find().program("ansible-playbook").expect("cargo xtask assets");
        let desk = Self { folder: tempfile::tempdir().expect("a folder"), ansible };
        let hosts: Value = Self::HOSTS.iter().map(|host| ((*host).to_owned(), json!({}))).collect();
        let at = |rest: &str| format!("{}/{{{{ inventory_hostname }}}}/{rest}", desk.path(""));
        let inventory = json!({ "tp_cluster_controlplane": { "hosts": hosts, "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "kube_vip_address": Self::ADDRESS,
            "kube_vip_manifest_dir": at("manifests"),
            "kube_vip_image_dir": at("images"),
            "kube_vip_kubectl": [desk.path("kubectl")],
        } } });
        desk.write("hosts.yml", &inventory.to_string());
        desk.write("play.yml", PLAY);
        desk.write("kubectl", KUBECTL);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(desk.path("kubectl"), executable).expect("our own file");
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string().trim_end_matches('/').to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
        fs::write(path, text).expect("our own folder");
    }

    /// Runs the playbook; what it said, and whether it succeeded.
    fn run(&self, variables: &Value, arguments: &[&str]) -> (String, bool) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tools = self.ansible.parent().expect("a folder").display().to_string();
        let output = Command::new(&self.ansible)
            .args(["-i", "hosts.yml", "play.yml", "-e"])
            .arg(variables.to_string())
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{tools}:/usr/sbin:/usr/bin:/sbin:/bin"))
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("ANSIBLE_ROLES_PATH", root.join("ansible/roles"))
            .output()
            .expect("Ansible can be started");
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&said).into_owned(), output.status.success())
    }

    /// Runs the playbook, which must succeed.
    pub(crate) fn runs(&self, variables: &Value, arguments: &[&str]) -> String {
        let (said, good) = self.run(variables, arguments);
        assert!(good, "{said}");
        said
    }

    /// Runs the playbook, which must fail. Its lines are joined.
    pub(crate) fn fails(&self, variables: &Value, arguments: &[&str]) -> String {
        let (said, good) = self.run(variables, arguments);
        assert!(!good, "{said}");
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn file(host: &str) -> String {
        format!("{host}/manifests/kube-vip.yaml")
    }

    /// How many hosts have a manifest.
    pub(crate) fn manifests(&self) -> usize {
        let written = |host: &&&str| self.folder.path().join(Self::file(host)).exists();
        Self::HOSTS.iter().filter(written).count()
    }

    /// The manifest of a host.
    pub(crate) fn manifest(&self, host: &str) -> Value {
        let text = fs::read_to_string(self.path(&Self::file(host))).expect("it was written");
        serde_saphyr::from_str(&text).expect("YAML")
    }

    /// The Lease by which a host elects.
    pub(crate) fn lease_name(&self, host: &str) -> String {
        let manifest = self.manifest(host);
        let env = manifest["spec"]["containers"][0]["env"].as_array().expect("variables").clone();
        let variable = env.iter().find(|variable| variable["name"] == "vip_leasename");
        variable.expect("it is written")["value"].as_str().expect("a text").to_owned()
    }

    /// Puts the manifest of the mission's document on a host.
    pub(crate) fn place_document(&self, host: &str) {
        self.write(&Self::file(host), &document());
    }

    /// The same, with another Lease.
    pub(crate) fn place_named(&self, host: &str, lease: &str, namespace: &str) {
        let env = "      env:\n";
        let more = format!("{env}        - name: vip_leasename\n          value: {lease}\n");
        let text = document().replace(env, &more);
        let value = |namespace: &str| format!("value: \"{namespace}\"");
        self.write(&Self::file(host), &text.replace(&value("kube-system"), &value(namespace)));
    }

    /// Has the API server show one Lease, with that time of renewal, in the shell's words.
    pub(crate) fn leases(&self, name: &str, renewed: &str) {
        let lease = format!(
            "{{\"metadata\": {{\"name\": \"{name}\"}}, \"spec\": {{\"holderIdentity\": \"x\", \
             \"leaseDurationSeconds\": 1, \"renewTime\": \"{renewed}\"}}}}"
        );
        self.write("leases.sh", &format!("cat <<END\n{{\"items\": [{lease}]}}\nEND\n"));
    }

    /// What `kube-vip manifest pod` prints.
    pub(crate) fn prints(&self, flags: &str) -> Value {
        let program = std::env::var_os("KUBE_VIP_BIN").map_or_else(
            || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../debug/kube-vip"),
            PathBuf::from,
        );
        let output = Command::new(&program)
            .args(["manifest", "pod"])
            .args(flags.split_whitespace())
            .env_clear()
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; cargo build", program.display()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        serde_saphyr::from_slice(&output.stdout).expect("YAML")
    }
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/static-pod.yaml");
    fs::read_to_string(path).expect("it is part of the project")
}

/// A manifest with what has no order in one: variables, mounts and volumes by their names.
pub(crate) fn sorted(mut manifest: Value) -> Value {
    let places = ["/spec/containers/0/env", "/spec/containers/0/volumeMounts", "/spec/volumes"];
    for place in places {
        let list = manifest.pointer_mut(place).and_then(Value::as_array_mut).expect("a list");
        list.sort_by_key(|entry| entry["name"].as_str().map(str::to_owned));
    }
    manifest
}
