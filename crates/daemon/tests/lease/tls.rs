//! TLS: names, rotation, and what Go accepts.

use std::path::Path;
use std::sync::{Arc, Mutex};

use kube_vip_core::event::Call;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use crate::server::{Reaction, Server};
use crate::support::{Bench, VIP, full_kubeconfig, lease, put, text};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn issue(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap(), key)
    }
}

/// Takes every client certificate, and remembers it.
#[derive(Debug, Default)]
struct Anyone(Mutex<Vec<Vec<u8>>>);

impl ClientCertVerifier for Anyone {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.lock().expect("no panic holds it").push(end_entity.to_vec());
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS server with that certificate, and the client certificates that it sees.
async fn serve(certificate: &rcgen::Certificate, key: &KeyPair) -> (Server, Arc<Anyone>) {
    let clients = Arc::new(Anyone::default());
    let verifier: Arc<dyn ClientCertVerifier> = clients.clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start_with(
        move |stream| {
            let accepted = acceptor.accept(stream);
            async move { accepted.await.ok() }
        },
        |_| Reaction::Reply(200, lease("7", "node1")),
    )
    .await;
    (server, clients)
}

/// An `admin.conf` beside the certificate authority's file.
fn admin(bench: &Bench, server: &str, authority: &str, user: &Value) {
    put(&bench.admin_conf().with_file_name("ca.crt"), authority);
    let cluster = json!({ "server": server, "certificate-authority": "ca.crt" });
    put(&bench.admin_conf(), &full_kubeconfig(&cluster, user));
}

fn put_pair(dir: &Path, certificate: &rcgen::Certificate, key: &KeyPair) {
    put(&dir.join("me.crt"), &certificate.pem());
    put(&dir.join("me.key"), &key.serialize_pem());
}

fn files() -> Value {
    json!({ "client-certificate": "me.crt", "client-key": "me.key" })
}

#[tokio::test]
async fn a_kubeconfig_that_names_the_address_reaches_this_node() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&[&VIP.to_string()]);
    let (server, _) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let url = format!("https://{VIP}:{}", server.address.port());
    admin(&bench, &url, &authority.pem(), &json!({}));
    bench.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!(server.calls()[0].header("host"), format!("{VIP}:{}", server.address.port()));

    // The name is proved all the same: a server that is only this node's is not trusted.
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    let (other, _) = serve(&certificate, &key).await;
    let url = format!("https://{VIP}:{}", other.address.port());
    admin(&bench, &url, &authority.pem(), &json!({}));
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains("not valid for name"), "{failure}");
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_proved_by_this_node() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&["api.invalid"]);
    let (server, _) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let url = format!("https://api.invalid:{}", server.address.port());
    admin(&bench, &url, &authority.pem(), &json!({}));
    bench.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_certificate_is_presented_and_rotated_in_place() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    let (server, clients) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let dir = bench.admin_conf().parent().unwrap().to_owned();
    let url = format!("https://{}", server.address);
    let (first, first_key) = authority.issue(&["first"]);
    put_pair(&dir, &first, &first_key);
    admin(&bench, &url, &authority.pem(), &files());
    bench.ask(Call::Read).await.unwrap().unwrap();
    let (second, second_key) = authority.issue(&["second"]);
    put(&dir.join("me.crt"), &second.pem());
    let half = text(bench.ask(Call::Read).await);
    assert!(half.contains("the client key does not belong to the client certificate"), "{half}");
    put(&dir.join("me.key"), &second_key.serialize_pem());
    bench.ask(Call::Read).await.unwrap().unwrap();
    let seen = clients.0.lock().unwrap().clone();
    assert!(seen.contains(&first.der().to_vec()));
    assert_eq!(seen.last(), Some(&second.der().to_vec()));
}

#[tokio::test]
async fn a_rotated_authority_is_followed() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (certificate, key) = new.issue(&["127.0.0.1"]);
    let (server, _) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let url = format!("https://{}", server.address);
    admin(&bench, &url, &old.pem(), &json!({}));
    let failure = text(bench.ask(Call::Read).await);
    assert!(failure.contains("UnknownIssuer"), "{failure}");
    admin(&bench, &url, &format!("{}{}", old.pem(), new.pem()), &json!({}));
    bench.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_certificate_of_version_1_is_presented() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    let (server, clients) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let pem = include_str!("../../src/drivers/lease/tls/v1.pem");
    let dir = bench.admin_conf().parent().unwrap().to_owned();
    put(&dir.join("me.crt"), pem);
    put(&dir.join("me.key"), pem);
    let url = format!("https://{}", server.address);
    admin(&bench, &url, &authority.pem(), &files());
    bench.ask(Call::Read).await.unwrap().unwrap();
    assert!(!clients.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_certificate_that_is_its_own_authority_is_trusted() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    let (server, _) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let url = format!("https://{}", server.address);
    admin(&bench, &url, &certificate.pem(), &json!({}));
    bench.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let (certificate, key) = Authority::new("one").issue(&["elsewhere"]);
    let (server, _) = serve(&certificate, &key).await;
    let mut bench = Bench::new();
    let url = format!("https://{}", server.address);
    let cluster = json!({ "server": url, "insecure-skip-tls-verify": true });
    put(&bench.admin_conf(), &full_kubeconfig(&cluster, &json!({})));
    bench.ask(Call::Read).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pods_service_account_is_used() {
    let authority = Authority::new("one");
    let (certificate, key) = authority.issue(&["127.0.0.1"]);
    let (server, _) = serve(&certificate, &key).await;
    let service = ("127.0.0.1".to_owned(), server.address.port());
    let mut bench = Bench::with_service(|_| Default::default(), Some(service));
    let account = bench.dir.path().join("var/run/secrets/kubernetes.io/serviceaccount");
    put(&account.join("ca.crt"), &authority.pem());
    put(&account.join("token"), "of-the-pod");
    bench.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!(server.calls()[0].header("authorization"), "Bearer of-the-pod");
}
