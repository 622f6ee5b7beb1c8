//! A server under test, its clients, and the transcript of what they were told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request};
use k8s_openapi::api::coordination::v1::Lease;
use kube::config::{AuthInfo, KubeConfigOptions};
use kube::{Api, Client, Config};
use kube_vip_lab::pki::{Access, ClusterPki, Kubeconfig, User};
use serde_json::{Value, json};

/// The namespace of the Leases. Not `kube-system`, where a real server keeps one of its own.
pub(crate) const NAMESPACE: &str = "default";

/// The path of the Leases there.
pub(crate) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// The path of the Nodes.
pub(crate) const NODES: &str = "/api/v1/nodes";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A certificate that may do everything.
    Admin,
    /// A certificate that may do nothing.
    WithoutRights,
    /// A certificate of another cluster.
    Stranger,
    /// A token that may do everything.
    Token,
    /// A token that may do nothing.
    PoorToken,
    /// A token that nobody gave out.
    WrongToken,
    /// Nobody.
    Nobody,
}

/// What was said, made comparable: versions, uids, times and ports are masked.
pub(crate) type Transcript = Vec<(String, String)>;

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) headers: HeaderMap,
}

impl Answer {
    /// Code and reason of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.code, self.body["reason"].as_str().unwrap_or_default())
    }

    /// The object's version.
    pub(crate) fn version(&self) -> String {
        self.body["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
    }
}

/// What is sent along.
pub(crate) struct Payload {
    kind: &'static str,
    text: String,
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::text("application/json", value.to_string())
    }
}

impl Payload {
    /// Text of some media type.
    pub(crate) fn text(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// RFC 7386.
    pub(crate) fn merge_patch(value: &Value) -> Self {
        Self::text("application/merge-patch+json", value.to_string())
    }
}

/// A server under test.
pub(crate) struct Subject {
    clients: BTreeMap<Who, Client>,
    transcript: RefCell<Transcript>,
    port: u16,
}

impl Subject {
    /// The server of this cluster that listens on this port.
    pub(crate) async fn new(pki: &ClusterPki, port: u16) -> Self {
        let url = format!("https://127.0.0.1:{port}");
        let other = ClusterPki::new(pki.distribution()).unwrap();
        let master = User::new("admin", &["system:masters"]);
        let stranger = Access::Certificate(other.client(&master).unwrap());
        let token = |token: &str| pki.kubeconfig_with(&url, Access::Token(token.into()));
        let kubeconfigs = [
            (Who::Admin, pki.kubeconfig(&url, &master).unwrap()),
            (Who::WithoutRights, pki.kubeconfig(&url, &User::without_rights()).unwrap()),
            (Who::Stranger, pki.kubeconfig_with(&url, stranger)),
            (Who::Token, token("all")),
            (Who::PoorToken, token("nothing")),
            (Who::WrongToken, token("guessed")),
            (Who::Nobody, token("not used")),
        ];
        let mut clients = BTreeMap::new();
        for (who, kubeconfig) in kubeconfigs {
            clients.insert(who, client(who, &kubeconfig).await);
        }
        Self { clients, transcript: RefCell::default(), port }
    }

    /// The Leases, by the client that the daemon uses.
    pub(crate) fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.clients[&Who::Admin].clone(), NAMESPACE)
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was said so far.
    pub(crate) fn transcript(&self) -> Transcript {
        self.transcript.take()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Who::Admin, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, payload: impl Into<Payload>) -> Answer {
        self.call(Who::Admin, Method::POST, path, Some(payload.into())).await
    }

    pub(crate) async fn put(&self, path: &str, payload: impl Into<Payload>) -> Answer {
        self.call(Who::Admin, Method::PUT, path, Some(payload.into())).await
    }

    pub(crate) async fn patch(&self, path: &str, payload: Payload) -> Answer {
        self.call(Who::Admin, Method::PATCH, path, Some(payload)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Who::Admin, Method::DELETE, path, None).await
    }

    /// Asks, and keeps the answer in the transcript.
    pub(crate) async fn call(
        &self,
        who: Who,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Answer {
        let label = format!("{who:?} {method} {path}");
        let response = self.send(who, method, path, payload).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.expect("a whole answer");
        let text = String::from_utf8_lossy(&bytes);
        let body = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        let code = parts.status.as_u16();
        let warnings = parts.headers.get_all("warning").iter();
        let warnings: Vec<_> = warnings.map(|value| value.to_str().unwrap_or_default()).collect();
        let kind = parts.headers.get("content-type").map(|value| value.to_str().unwrap());
        let entry = json!({ "code": code, "kind": kind, "warnings": warnings, "body": &body });
        self.keep(&label, entry);
        Answer { code, body, headers: parts.headers }
    }

    /// Starts a watch, whose events get into the transcript as they are taken.
    pub(crate) async fn watch(&self, path: &str) -> Watch<'_> {
        let response = self.send(Who::Admin, Method::GET, path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        let stream = response.into_body().into_data_stream();
        Watch { subject: self, label: path.to_owned(), stream, buffer: Vec::new() }
    }

    async fn send(
        &self,
        who: Who,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(payload) = &payload {
            request = request.header("content-type", payload.kind);
        }
        let body = payload.map(|payload| payload.text.into_bytes()).unwrap_or_default();
        let request = request.body(kube::client::Body::from(body)).expect("a request");
        self.clients[&who].send(request).await.expect("an answer").map(Body::new)
    }

    fn keep(&self, label: &str, mut said: Value) {
        mask(&mut said);
        let label: String = label.chars().filter(|char| !char.is_ascii_digit()).collect();
        let text = serde_json::to_string_pretty(&said).expect("JSON");
        self.transcript.borrow_mut().push((label, text));
    }
}

async fn client(who: Who, kubeconfig: &Kubeconfig) -> Client {
    let parsed = kube::config::Kubeconfig::from_yaml(&kubeconfig.to_yaml()).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(parsed, &options).await.unwrap();
    config.default_retry = false;
    if who == Who::Nobody {
        config.auth_info = AuthInfo::default();
    }
    Client::try_from(config).unwrap()
}

/// A running watch.
pub(crate) struct Watch<'a> {
    subject: &'a Subject,
    label: String,
    stream: axum::body::BodyDataStream,
    buffer: Vec<u8>,
}

impl Watch<'_> {
    /// The next event's type, the name of its object and the object; none at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, String, Value)> {
        let line = loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                break self.buffer.drain(..=end).collect::<Vec<_>>();
            }
            self.buffer.extend(self.stream.next().await?.expect("no error"));
        };
        let event: Value = serde_json::from_slice(&line).expect("an event");
        self.subject.keep(&self.label, event.clone());
        let kind = event["type"].as_str().expect("a type").to_owned();
        let object = event["object"].clone();
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Some((kind, name, object))
    }

    /// The next event must be this one.
    pub(crate) async fn expect(&mut self, kind: &str, name: &str) -> Value {
        let (found, of, object) = self.next().await.expect("one more event");
        assert_eq!((found.as_str(), of.as_str()), (kind, name), "{object}");
        object
    }
}

/// Masks what two servers cannot agree on (versions, uids, times, ports, the words for people),
/// what only a real one keeps (who wrote which field), and Go's `null` for a time that is not set.
fn mask(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("managedFields");
            object.retain(|_, value| !value.is_null());
            if object.contains_key("reason") || object.get("kind") == Some(&json!("Status")) {
                object.remove("message");
            }
            if object.contains_key("gitVersion") {
                object.retain(|name, _| matches!(name.as_str(), "major" | "minor"));
            }
            for (name, mark) in
                [("uid", "UID"), ("resourceVersion", "VERSION"), ("creationTimestamp", "TIME")]
            {
                if let Some(value) = object.get_mut(name).filter(|value| value.is_string()) {
                    *value = json!(mark);
                }
            }
            if let Some(port) = object.get_mut("port").filter(|port| port.is_number()) {
                *port = json!("PORT");
            }
            object.values_mut().for_each(mask);
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Refuses with all the differences.
pub(crate) fn compare(real: &Transcript, embedded: &Transcript) {
    let mut text = String::new();
    for (index, (real, embedded)) in real.iter().zip(embedded).enumerate() {
        if real != embedded {
            let _ =
                writeln!(text, "{index}. {}\nreal: {}\nembedded: {}\n", real.0, real.1, embedded.1);
        }
    }
    assert!(text.is_empty(), "the embedded server differs from the real one:\n{text}");
    assert_eq!(real.len(), embedded.len());
}
