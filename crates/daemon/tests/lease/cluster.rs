//! The lab's API server for the driver's tests.

use std::net::TcpListener;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube_vip_lab::api::{ApiServer, Options, Patience, Store};
use kube_vip_lab::pki::{ClusterPki, Distribution};

use crate::support::Bench;

/// An API server, and the cluster behind it.
pub(crate) struct Cluster {
    pub(crate) pki: ClusterPki,
    pub(crate) store: Store,
    pub(crate) server: ApiServer,
}

impl Cluster {
    /// A server that soon gives up waiting for its store.
    pub(crate) fn new(distribution: Distribution) -> Self {
        let pki = ClusterPki::new(distribution).unwrap();
        let store = Store::new();
        let mut options = Options::new(&pki, &[]).unwrap();
        let soon = Duration::from_millis(100);
        options.patience = Patience { read: soon, write: soon, watch: soon };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = ApiServer::start(&store, listener, options).unwrap();
        Self { pki, store, server }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.server.address())
    }

    /// A driver of `node1`.
    pub(crate) fn node(&self) -> Bench {
        self.node_named("node1")
    }

    pub(crate) fn node_named(&self, name: &str) -> Bench {
        Bench::of(name, &self.pki.admin_kubeconfig(&self.url()).unwrap().to_yaml())
    }

    /// A client of somebody else.
    pub(crate) async fn client(&self) -> kube::Client {
        let config = self.pki.admin_kubeconfig(&self.url()).unwrap().to_yaml();
        let config = kube::config::Kubeconfig::from_yaml(&config).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options).await.unwrap();
        kube::Client::try_from(config).unwrap()
    }

    /// Lets a killed server live again, where it was.
    pub(crate) fn restart(&mut self) {
        let listener = TcpListener::bind(self.server.address()).unwrap();
        self.server.restart(listener).unwrap();
    }

    /// The election's Lease as it is stored.
    pub(crate) fn lease(&self) -> Lease {
        self.store.lease("kube-system", "plndr-cp-lock").expect("the Lease is there")
    }
}
