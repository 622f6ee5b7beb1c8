//! What k3s does on a node besides: the administrator's kubeconfig, and a restart of the API server
//! with a certificate for other names.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::control_plane::Program;
use super::{Cluster, ClusterError, Layout};
use crate::sys::clock::Stamp;
use crate::timeline::{Fault, What};

/// Where a node's k3s is configured; then come the files in this directory with `.d`.
pub const CONFIGURATION: &str = "/etc/rancher/k3s/config.yaml";

/// How long an API server may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

impl Cluster {
    /// Writes the administrator's kubeconfig on a node, as k3s does when its API server comes up.
    ///
    /// # Errors
    /// As of writing a file.
    pub fn write_kubeconfig(&self, node: usize) -> Result<(), ClusterError> {
        self.machines[node].write_kubeconfig(&self.pki)
    }

    /// The names that k3s on a node is configured to have in its certificate (`tls-san`).
    #[must_use]
    pub fn configured_names(&self, node: usize) -> Vec<String> {
        tls_san(self.machines[node].layout())
    }

    /// Takes the names that k3s on the first node is configured with for all certificates of a
    /// control plane that is started from now on.
    pub fn adopt_configured_names(&mut self) {
        self.names = self.configured_names(0);
    }

    /// Ends the API server on a node and starts it with a certificate for the names that k3s is
    /// configured with; returns that certificate and its key, PEM. It is not ready yet.
    ///
    /// # Errors
    /// If there is no control plane, or the API server cannot be started.
    pub fn restart_api_server(&mut self, node: usize) -> Result<(String, String), ClusterError> {
        let names = self.configured_names(node);
        let host = self.world.node(node);
        let absent = || ClusterError::Machine {
            step: "restart an API server",
            source: std::io::Error::other("it was never started"),
        };
        let plane = self.plane.as_mut().ok_or_else(absent)?;
        let at = Stamp::now();
        plane.end(node, Program::ApiServer, GRACE)?;
        self.world.journal().note(at, What::Fault(Fault::ApiKilled(node)));
        let credential = plane.certify(node, &self.pki, &names)?;
        plane.launch(node, Program::ApiServer, host)?;
        self.world.journal().note_now(What::Fault(Fault::ApiStarted(node)));
        Ok((credential.certificate, credential.key))
    }

    /// Whether the API server on a node says that it is ready.
    #[must_use]
    pub fn is_ready(&self, node: usize) -> bool {
        self.ask(node, "/readyz").is_ok_and(|answer| answer.status == 200)
    }

    /// Writes the Secret in which k3s shows the certificate that it serves.
    ///
    /// # Errors
    /// If the API server does not take it.
    pub fn show_certificate(
        &self,
        node: usize,
        (certificate, key): &(String, String),
    ) -> Result<(), ClusterError> {
        let path = "/api/v1/namespaces/kube-system/secrets";
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "k3s-serving" },
            "type": "kubernetes.io/tls",
            "stringData": { "tls.crt": certificate, "tls.key": key },
        });
        let failed = |source| ClusterError::Machine { step: "write Secret k3s-serving", source };
        let created = self.create(node, path, &secret).map_err(failed)?;
        if created.status == http::StatusCode::CREATED {
            return Ok(());
        }
        let answer = self.patch(node, &format!("{path}/k3s-serving"), &secret).map_err(failed)?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(failed(std::io::Error::other(answer.body)))
    }
}

/// The names in all files of a node's configuration, in k3s' way: `tls-san` takes the place of what
/// was read before, `tls-san+` comes in addition.
fn tls_san(layout: &Layout) -> Vec<String> {
    let folder = layout.outside(&format!("{CONFIGURATION}.d"));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let more: BTreeSet<_> = entries.map(|entry| entry.path()).collect();
    let more = more.into_iter().filter(|path| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml")
    });
    let mut names = Vec::new();
    for path in std::iter::once(layout.outside(CONFIGURATION)).chain(more) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let Ok(file) = serde_saphyr::from_str::<serde_json::Value>(&text) else { continue };
        if let Some(list) = words(&file["tls-san"]) {
            names = list;
        }
        names.extend(words(&file["tls-san+"]).unwrap_or_default());
    }
    names
}

/// One word or a list of words.
fn words(value: &serde_json::Value) -> Option<Vec<String>> {
    let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    match value {
        serde_json::Value::Array(list) => Some(list.iter().filter_map(word).collect()),
        value => word(value).map(|word| vec![word]),
    }
}
