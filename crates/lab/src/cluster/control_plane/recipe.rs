//! How etcd and kube-apiserver are called, and the files that they need.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{ControlPlaneError, Listening, Member, Program, Spec};
use crate::api::Anonymous;
use crate::cluster::assets::Assets;
use crate::cluster::audit;
use crate::pki::{ClusterPki, Credential};

/// Everything that is needed to start a program once more.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) members: Vec<Member>,
    etcd: PathBuf,
    api_server: PathBuf,
    anonymous: Anonymous,
    listening: Listening,
    folder: PathBuf,
}

impl Recipe {
    /// Finds the programs and writes the files.
    pub(super) fn prepare(spec: Spec<'_>, assets: &Assets) -> Result<Self, ControlPlaneError> {
        let Spec { members, pki, names, anonymous, listening, tokens, folder } = spec;
        let recipe = Self {
            members,
            etcd: assets.program(Program::Etcd.name())?,
            api_server: assets.program(Program::ApiServer.name())?,
            anonymous,
            listening,
            folder,
        };
        let mut table = String::new();
        for (token, user) in &tokens {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{token},{0},{0},\"{1}\"", user.name, user.groups.join(","));
        }
        let common = &recipe.folder;
        write(&common.join("tokens.csv"), &table)?;
        write(&common.join("audit.json"), &audit::policy())?;
        write(&common.join("client-ca.crt"), &pki.client_authority().certificate())?;
        write(&common.join("service-account.key"), &pki.service_account_key())?;
        write(&common.join("service-account.pub"), &pki.service_account_public_key())?;
        for node in 0..recipe.members.len() {
            let place = recipe.place(node);
            fs::create_dir_all(&place)
                .map_err(|source| ControlPlaneError::File { path: place, source })?;
            recipe.certify(node, pki, &names)?;
        }
        Ok(recipe)
    }

    /// Writes a new certificate for the API server on a node.
    pub(super) fn certify(
        &self,
        node: usize,
        pki: &ClusterPki,
        names: &[String],
    ) -> Result<Credential, ControlPlaneError> {
        let (member, place) = (&self.members[node], self.place(node));
        let mut all = vec![member.name.clone(), member.address.to_string()];
        all.extend_from_slice(names);
        let credential = pki.api_server(&all)?;
        write(&place.join("server.crt"), &credential.certificate)?;
        write(&place.join("server.key"), &credential.key)?;
        Ok(credential)
    }

    fn place(&self, node: usize) -> PathBuf {
        self.folder.join(&self.members[node].name)
    }

    pub(super) fn log(&self, node: usize, program: Program) -> PathBuf {
        self.place(node).join(format!("{program}.log"))
    }

    /// A program's command, which appends to its log.
    pub(super) fn command(
        &self,
        node: usize,
        program: Program,
    ) -> Result<Command, ControlPlaneError> {
        let path = self.log(node, program);
        let failed = |source| ControlPlaneError::File { path: path.clone(), source };
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let again: File = log.try_clone().map_err(failed)?;
        let mut command = match program {
            Program::Etcd => self.etcd(node),
            Program::ApiServer => self.api_server(node),
        };
        command.stdin(Stdio::null()).stdout(log).stderr(again);
        Ok(command)
    }

    fn etcd(&self, node: usize) -> Command {
        let Member { name, address, ports } = &self.members[node];
        let url = |member: &Member| {
            format!("http://{}", std::net::SocketAddr::new(member.address, member.ports.etcd_peer))
        };
        let peers: Vec<_> =
            self.members.iter().map(|member| format!("{}={}", member.name, url(member))).collect();
        let peer = format!("http://{}", std::net::SocketAddr::new(*address, ports.etcd_peer));
        let client = format!("http://127.0.0.1:{}", ports.etcd_client);
        let mut command = Command::new(&self.etcd);
        command
            .arg(format!("--name={name}"))
            .arg(format!("--data-dir={}", self.place(node).join("etcd").display()))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--initial-cluster={}", peers.join(",")))
            .arg("--initial-cluster-state=new")
            // As 3.5 and k3s have it: who was cut off does not depose the leader when it is back.
            .arg("--pre-vote=true")
            .args(["--logger=zap", "--log-level=warn", "--unsafe-no-fsync"]);
        command
    }

    fn api_server(&self, node: usize) -> Command {
        let Member { address, ports, .. } = &self.members[node];
        let place = self.place(node);
        let common = |name: &str| self.folder.join(name).display().to_string();
        let own = |name: &str| place.join(name).display().to_string();
        // Endpoints cannot be on loopback; this address is for documentation (RFC 5737) and says
        // that nobody is to go there. On a shared network only this machine is to come in.
        let (advertised, bound) = if address.is_loopback() {
            ("192.0.2.1".into(), address.to_string())
        } else {
            let bound = match self.listening {
                Listening::Ipv4 => "0.0.0.0",
                Listening::All => "::",
                Listening::Behind => "127.0.0.1",
            };
            (address.to_string(), bound.into())
        };
        let publishes = if self.listening == Listening::Behind { "none" } else { "lease" };
        let anonymous = self.anonymous == Anonymous::Allowed;
        let mut command = Command::new(&self.api_server);
        command
            .arg(format!("--bind-address={bound}"))
            .arg(format!("--secure-port={}", ports.api))
            .arg(format!("--advertise-address={advertised}"))
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd_client))
            .arg(format!("--tls-cert-file={}", own("server.crt")))
            .arg(format!("--tls-private-key-file={}", own("server.key")))
            .arg(format!("--client-ca-file={}", common("client-ca.crt")))
            .arg(format!("--token-auth-file={}", common("tokens.csv")))
            .arg(format!("--anonymous-auth={anonymous}"))
            .arg("--authorization-mode=Node,RBAC")
            .arg("--enable-admission-plugins=NodeRestriction")
            .arg(format!("--service-account-signing-key-file={}", common("service-account.key")))
            .arg(format!("--service-account-key-file={}", common("service-account.pub")))
            .arg(format!("--audit-policy-file={}", common("audit.json")))
            .arg(format!("--audit-log-path={}", own(audit::FILE)))
            .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
            .arg("--service-cluster-ip-range=10.43.0.0/16")
            .arg(format!("--endpoint-reconciler-type={publishes}"))
            .arg("--allow-privileged=true")
            .arg("--profiling=false")
            // Three of them share a small machine: collect garbage twice as often.
            .env("GOGC", "50");
        command
    }
}

/// Writes a file for its owner alone.
fn write(path: &Path, text: &str) -> Result<(), ControlPlaneError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| ControlPlaneError::File { path: path.to_owned(), source })
}
