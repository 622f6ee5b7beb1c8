//! One usable kubeconfig, or the service account of a pod: a server, and who we are to it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use thiserror::Error;

use super::connection::{Connection, Tls};
use super::files::{FileError, Files};
use super::route::Target;
use super::server::{Local, Server, UrlError};
use super::tls::{self, Pair, TlsError, Trust};

#[cfg(test)]
mod tests;

/// How many connections are kept for the next requests.
const IDLE: usize = 2;

/// Why a kubeconfig cannot be used. The texts hold no contents of files, only names.
#[derive(Debug, Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    File(#[from] FileError),
    #[error("no text in UTF-8")]
    Text,
    #[error("no kubeconfig: YAML error at line {line}, column {column}")]
    Yaml { line: u64, column: u64 },
    #[error("no kubeconfig: YAML error")]
    YamlSomewhere,
    #[error("its parts cannot be merged")]
    Merge,
    #[error("no current-context is set")]
    NoContext,
    #[error("it has no {kind} {name:?}")]
    NoEntry { kind: &'static str, name: String },
    #[error("its cluster has no server")]
    NoServer,
    #[error("{0}")]
    Url(#[from] UrlError),
    #[error("{field}: {path}: {cause}")]
    Referenced { field: &'static str, path: String, cause: FileError },
    #[error("{0} is no base64")]
    Base64(&'static str),
    #[error("{has} is given without {lacks}")]
    Half { has: &'static str, lacks: &'static str },
    #[error("no certificate-authority is given; the system's are not used")]
    NoAuthority,
    #[error("{0}")]
    Tls(#[from] TlsError),
    #[error("{0:?} is no name that a server certificate can prove")]
    ServerName(String),
    #[error("the token is no text that an HTTP header can carry")]
    Token,
    #[error("{0} is not supported; use a client certificate or a token")]
    Unsupported(&'static str),
    #[error("proxy-url is not supported; the API server must be reachable directly")]
    Proxy,
    #[error("{0} is not set")]
    Environment(&'static str),
}

/// A server and who we are to it.
#[derive(Debug)]
pub(super) struct Identity {
    /// Where it comes from, for people.
    pub(super) name: String,
    pub(super) server: Server,
    pub(super) tls: Option<Tls>,
    /// The `Authorization` header; marked sensitive, so that it is never printed.
    pub(super) authorization: Option<HeaderValue>,
    /// Connections that have nothing to do, the last used at the end.
    idle: Mutex<Vec<(Target, Connection)>>,
}

impl Identity {
    /// What the kubeconfig's current context says. Files that it refers to are read through
    /// `files`; relative paths start at `dir`.
    pub(super) fn new(
        name: String,
        kubeconfig: &Kubeconfig,
        local: &Local,
        files: &mut Files,
    ) -> Result<Self, Unusable> {
        let context_name = kubeconfig.current_context.as_deref().unwrap_or_default();
        if context_name.is_empty() {
            return Err(Unusable::NoContext);
        }
        let contexts = &kubeconfig.contexts;
        let context = contexts
            .iter()
            .find(|named| named.name == context_name)
            .and_then(|named| named.context.as_ref())
            .ok_or_else(|| missing("context", context_name))?;
        let cluster = kubeconfig
            .clusters
            .iter()
            .find(|named| named.name == context.cluster)
            .and_then(|named| named.cluster.as_ref())
            .ok_or_else(|| missing("cluster", &context.cluster))?;
        // client-go takes a user that is not there for an anonymous one.
        let nobody = AuthInfo::default();
        let user = kubeconfig
            .auth_infos
            .iter()
            .find(|named| Some(&named.name) == context.user.as_ref())
            .and_then(|named| named.auth_info.as_ref())
            .unwrap_or(&nobody);
        refuse_unsupported(cluster, user)?;

        let url = cluster.server.as_deref().ok_or(Unusable::NoServer)?;
        let server = Server::parse(url, local.clone())?;
        let tls = if server.secure { Some(tls(cluster, user, &server, files)?) } else { None };
        Ok(Self {
            name,
            server,
            tls,
            authorization: authorization(user, files)?,
            idle: Mutex::default(),
        })
    }

    /// Takes an idle connection to that server, if there is one.
    pub(super) fn take_idle(&self, target: Target) -> Option<Connection> {
        let mut idle = self.idle();
        let index = idle.iter().rposition(|(kept, _)| *kept == target)?;
        Some(idle.remove(index).1)
    }

    /// Keeps a connection for a later request.
    pub(super) fn put_idle(&self, target: Target, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() == IDLE {
            idle.remove(0);
        }
        idle.push((target, connection));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Target, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The TLS client for other servers of the cluster than the named one; none: the credentials
    /// are for the named one alone (it speaks no TLS, or stands before the API server).
    pub(super) fn tls_elsewhere(&self) -> Option<Tls> {
        let (config, _) = self.tls.as_ref().filter(|_| self.server.base.is_empty())?;
        Some((Arc::clone(config), cluster_name()))
    }
}

/// The name that every API server can prove.
pub(super) fn cluster_name() -> ServerName<'static> {
    ServerName::try_from("kubernetes").expect("a DNS name")
}

fn missing(kind: &'static str, name: &str) -> Unusable {
    let name = name.to_owned();
    Unusable::NoEntry { kind, name }
}

/// Reads one kubeconfig; the paths in it become absolute.
pub(super) fn read(path: &Path, files: &mut Files) -> Result<Kubeconfig, Unusable> {
    let text = String::from_utf8(files.read(path)?).map_err(|_| Unusable::Text)?;
    let mut kubeconfig = Kubeconfig::from_yaml(&text).map_err(|error| match error {
        // The error's own text quotes the file, and with it a key.
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => Unusable::Yaml { line: at.line(), column: at.column() },
            None => Unusable::YamlSomewhere,
        },
        _ => Unusable::Merge,
    })?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let absolute = |path: &mut Option<String>| {
        if let Some(path) = path {
            *path = dir.join(&*path).to_string_lossy().into_owned();
        }
    };
    for cluster in kubeconfig.clusters.iter_mut() {
        if let Some(cluster) = &mut cluster.cluster {
            absolute(&mut cluster.certificate_authority);
        }
    }
    for user in kubeconfig.auth_infos.iter_mut() {
        if let Some(user) = &mut user.auth_info {
            absolute(&mut user.client_certificate);
            absolute(&mut user.client_key);
            absolute(&mut user.token_file);
        }
    }
    Ok(kubeconfig)
}

/// What would change who we are, or how the server is reached, must not be passed over in silence.
fn refuse_unsupported(cluster: &Cluster, user: &AuthInfo) -> Result<(), Unusable> {
    if cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return Err(Unusable::Proxy);
    }
    let impersonates = user.impersonate.is_some()
        || user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some();
    let unsupported = [
        (user.exec.is_some(), "an exec plugin"),
        (user.auth_provider.is_some(), "auth-provider"),
        (user.username.is_some() || user.password.is_some(), "a user name with a password"),
        (impersonates, "impersonation"),
    ];
    match unsupported.into_iter().find(|(given, _)| *given) {
        Some((_, name)) => Err(Unusable::Unsupported(name)),
        None => Ok(()),
    }
}

fn tls(
    cluster: &Cluster,
    user: &AuthInfo,
    server: &Server,
    files: &mut Files,
) -> Result<Tls, Unusable> {
    let authority = data(
        ["certificate-authority-data", "certificate-authority"],
        cluster.certificate_authority_data.as_deref(),
        cluster.certificate_authority.as_deref(),
        files,
    )?;
    let certificate = data(
        ["client-certificate-data", "client-certificate"],
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
        files,
    )?;
    let key = data(
        ["client-key-data", "client-key"],
        user.client_key_data.as_ref().map(ExposeSecret::expose_secret),
        user.client_key.as_deref(),
        files,
    )?;
    let trust = match &authority {
        _ if cluster.insecure_skip_tls_verify == Some(true) => Trust::Anyone,
        Some(pem) => Trust::Roots(pem),
        None => return Err(Unusable::NoAuthority),
    };
    let half = |has, lacks| Unusable::Half { has, lacks };
    let pair = match (&certificate, &key) {
        (Some(certificate), Some(key)) => Some(Pair { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(half("client-certificate", "client-key")),
        (None, Some(_)) => return Err(half("client-key", "client-certificate")),
    };
    let config = tls::client(&trust, pair.as_ref())?;
    let name = match cluster.tls_server_name.as_deref() {
        None | Some("") => &server.host,
        Some(name) => name,
    };
    let name =
        ServerName::try_from(name.to_owned()).map_err(|_| Unusable::ServerName(name.to_owned()))?;
    Ok((Arc::new(config), name))
}

/// What stands in the kubeconfig in base64, or else in the file that it names.
fn data(
    [inline_field, file_field]: [&'static str; 2],
    inline: Option<&str>,
    path: Option<&str>,
    files: &mut Files,
) -> Result<Option<Vec<u8>>, Unusable> {
    if let Some(text) = inline.filter(|text| !text.is_empty()) {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| Unusable::Base64(inline_field))?;
        return Ok(Some(bytes));
    }
    match path.filter(|path| !path.is_empty()) {
        None => Ok(None),
        Some(path) => referenced(file_field, path, files).map(Some),
    }
}

fn referenced(field: &'static str, path: &str, files: &mut Files) -> Result<Vec<u8>, Unusable> {
    let read = files.read(Path::new(path));
    read.map_err(|cause| Unusable::Referenced { field, path: path.to_owned(), cause })
}

/// The header for the user's token. As in client-go, the file wins over the text.
fn authorization(user: &AuthInfo, files: &mut Files) -> Result<Option<HeaderValue>, Unusable> {
    let token = match user.token_file.as_deref().filter(|path| !path.is_empty()) {
        Some(path) => {
            let bytes = referenced("tokenFile", path, files)?;
            Some(String::from_utf8(bytes).map_err(|_| Unusable::Token)?)
        }
        None => user.token.as_ref().map(|token| token.expose_secret().to_owned()),
    };
    let Some(token) = token.filter(|token| !token.trim().is_empty()) else {
        return Ok(None);
    };
    let mut header =
        HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| Unusable::Token)?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// What a pod's service account is, as the kubeconfig that says the same.
pub(super) fn service_account(dir: &Path, host: &str, port: &str) -> Kubeconfig {
    let file = |name: &str| Some(dir.join(name).to_string_lossy().into_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let name = "in-cluster";
    let cluster = Cluster {
        server: Some(format!("https://{host}:{port}")),
        certificate_authority: file("ca.crt"),
        ..Cluster::default()
    };
    let user = AuthInfo { token_file: file("token"), ..AuthInfo::default() };
    let mut kubeconfig =
        Kubeconfig { current_context: Some(name.to_owned()), ..Kubeconfig::default() };
    kubeconfig.clusters.push(kube::config::NamedCluster {
        name: name.to_owned(),
        cluster: Some(cluster),
        ..Default::default()
    });
    kubeconfig.auth_infos.push(kube::config::NamedAuthInfo {
        name: name.to_owned(),
        auth_info: Some(user),
        ..Default::default()
    });
    kubeconfig.contexts.push(kube::config::NamedContext {
        name: name.to_owned(),
        context: Some(kube::config::Context {
            cluster: name.to_owned(),
            user: Some(name.to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    });
    kubeconfig
}
