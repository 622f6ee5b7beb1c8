//! API servers of one cluster: scripted, with certificates of one authority.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube_vip_core::event::Call;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, full_kubeconfig, lease, list};
use crate::tls::Authority;

/// This node's.
pub(crate) const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Another node's. (The kernel answers at all of 127.0.0.0/8, but speaks from the first only: by
/// that the driver tells its own addresses.)
pub(crate) const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const THERE_TOO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A cluster's authority.
pub(crate) struct Scripted(Authority);

impl Scripted {
    pub(crate) fn new() -> Self {
        Self(Authority::new("cluster"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A kubeconfig for that URL.
    pub(crate) fn kubeconfig(&self, url: &str) -> String {
        let authority = STANDARD.encode(self.0.pem());
        let cluster = json!({ "server": url, "certificate-authority-data": authority });
        full_kubeconfig(&cluster, &json!({ "token": "secret" }))
    }

    /// An API server there, which proves `kubernetes` and its address.
    pub(crate) async fn server(
        &self,
        at: impl Into<IpAddr>,
        script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Server {
        let at = at.into();
        let names = ["kubernetes".to_owned(), at.to_string()];
        self.named(SocketAddr::new(at, 0), &names.each_ref().map(String::as_str), script).await
    }

    /// A server that proves these names.
    pub(crate) async fn named(
        &self,
        at: SocketAddr,
        names: &[&str],
        script: impl FnMut(&Received) -> Reaction + Send + 'static,
    ) -> Server {
        Server::start_at(at, self.acceptor(names), script).await
    }

    fn acceptor(
        &self,
        names: &[&str],
    ) -> impl Fn(TcpStream) -> Pin<Box<dyn Future<Output = Option<TlsStream<TcpStream>>> + Send>>
    + Send
    + 'static {
        let (certificate, key) = self.0.issue(names);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        move |stream| {
            let accepted = acceptor.accept(stream);
            Box::pin(async move { accepted.await.ok() })
        }
    }
}

/// A healthy one: one Lease, held by `holder`, and watches that show nothing.
pub(crate) fn healthy(holder: &'static str) -> impl FnMut(&Received) -> Reaction + Send + 'static {
    move |request| {
        if request.is_watch() {
            return Reaction::Hang;
        }
        if request.is_list() {
            return Reaction::Reply(200, list("10", &[lease("7", holder)]));
        }
        if request.line.ends_with("z") {
            return Reaction::Text(200, "ok");
        }
        let mut answer = request.body.clone();
        if answer.is_null() {
            answer = lease("7", holder);
        }
        Reaction::Reply(200, answer)
    }
}

/// Waits until the driver has read the list of API servers.
pub(crate) async fn knows(bench: &mut Bench, server: &Server) {
    while server.endpoints_read() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A request by which the driver makes use of it.
    bench.ask(Call::Read).await.unwrap();
}
