//! Names of images, and a registry that asks for tokens as the big ones do, over real TLS.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000007";

fn place(image: &str) -> Place {
    Place::of(image).unwrap_or_else(|| panic!("{image} is a name"))
}

#[test]
fn names_lead_where_runtimes_go() {
    for (image, registry, manifest) in [
        (
            "kube-vip:v1",
            "docker.io",
            "https://registry-1.docker.io/v2/library/kube-vip/manifests/v1",
        ),
        (
            "plndr/kube-vip",
            "docker.io",
            "https://registry-1.docker.io/v2/plndr/kube-vip/manifests/latest",
        ),
        (
            "ghcr.io/kube-vip/kube-vip:v1.2.3",
            "ghcr.io",
            "https://ghcr.io/v2/kube-vip/kube-vip/manifests/v1.2.3",
        ),
        ("localhost/a", "localhost", "https://localhost/v2/a/manifests/latest"),
        ("r.example:5000/a/b/c:1", "r.example:5000", "https://r.example:5000/v2/a/b/c/manifests/1"),
        (
            "index.docker.io/library/a:1",
            "docker.io",
            "https://registry-1.docker.io/v2/library/a/manifests/1",
        ),
        ("[fd00::1]:5000/a:1", "[fd00::1]:5000", "https://[fd00::1]:5000/v2/a/manifests/1"),
    ] {
        let place = place(image);
        assert_eq!((place.registry.as_str(), place.manifest().as_str()), (registry, manifest));
    }
    let both = place(&format!("ghcr.io/a:v1@{DIGEST}"));
    assert_eq!(both.version, DIGEST, "a digest counts for more than a tag");
    assert!(place("a").is_latest() && !both.is_latest() && !place("a:1").is_latest());
    for wrong in ["", "a b", "ghcr.io/", "a:", "a?b=c", "a@", "ghcr.io/a/#:1"] {
        assert_eq!(Place::of(wrong), None, "{wrong:?}");
    }
}

#[test]
fn challenges_are_read_as_they_are_sent() {
    let text = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",\
                scope=\"repository:a/b:pull,push\"";
    let challenge = Challenge::parse(text).expect("it says where");
    let expected = "https://auth.docker.io/token?service=registry.docker.io&\
                    scope=repository%3Aa%2Fb%3Apull%2Cpush";
    assert_eq!(challenge.url(&place("a/b:1")), expected);
    let short = Challenge::parse("bearer realm=https://r.example/t?x=1").expect("it says where");
    let expected = "https://r.example/t?x=1&scope=repository%3Alibrary%2Fa%3Apull";
    assert_eq!(short.url(&place("a:1")), expected);
    for none in ["Basic realm=\"x\"", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"x", ""] {
        assert_eq!(Challenge::parse(none), None, "{none:?}");
    }
}

/// What the registry answers. Its repositories are named for what becomes of who asks.
fn answer(at: SocketAddr, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let reply = |status: u16| Response::builder().status(status);
    let bare = |status| reply(status).body(Full::default()).unwrap();
    let path = request.uri().path();
    if path == "/token" {
        let query = request.uri().query().unwrap_or_default();
        let Some(name) = query.strip_prefix("service=reg+test&scope=repository%3A") else {
            return bare(400);
        };
        let name = name.strip_suffix("%3Apull").unwrap_or_default();
        let token = |field: &str| {
            let body = format!("{{\"{field}\":\"for-{name}\"}}");
            reply(200).body(Full::from(body)).unwrap()
        };
        return match name {
            "locked" => bare(403),
            "broken" => bare(500),
            "speechless" => reply(200).body(Full::from("{}")).unwrap(),
            "absent" => token("access_token"),
            _ => token("token"),
        };
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let takes = header(ACCEPT).unwrap_or_default();
    if request.method() != Method::HEAD || !takes.contains("application/vnd.oci.image.index.v1") {
        return bare(406);
    }
    let there = || reply(200).header("docker-content-digest", DIGEST).body(Full::default());
    let name = path.strip_prefix("/v2/").and_then(|path| path.strip_suffix("/manifests/v1"));
    let name = name.unwrap_or_default();
    match name {
        "open" => return there().unwrap(),
        "busy" => return bare(429),
        "private" => {
            return reply(401)
                .header(WWW_AUTHENTICATE, "Basic realm=\"x\"")
                .body(Full::default())
                .unwrap();
        }
        _ => {}
    }
    if header(AUTHORIZATION) != Some(format!("Bearer for-{name}").as_str()) {
        let challenge = format!(
            "Bearer realm=\"https://{at}/token\",service=\"reg test\",\
             scope=\"repository:{name}:pull\""
        );
        return reply(401).header(WWW_AUTHENTICATE, challenge).body(Full::default()).unwrap();
    }
    match name {
        "there" => there().unwrap(),
        "hidden" => bare(401),
        _ => bare(404),
    }
}

/// A registry on loopback, and its own certificate in PEM.
pub(in crate::cli::checks) async fn registry() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust this server ends here.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| {
                    let answer = answer(at, &request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (at, made.cert.pem())
}

#[tokio::test]
async fn a_registry_is_asked_for_a_token_and_then_for_the_manifest() {
    let (at, pem) = registry().await;
    let https = Https::trusting(pem.as_bytes()).expect("a certificate");
    let there = || Pull::There(Some(DIGEST.to_owned()));
    let hidden = |status| Pull::Hidden(StatusCode::from_u16(status).unwrap());
    let unknown = |text: &str| Pull::Unknown(text.to_owned());
    for (name, expected) in [
        ("open", there()),
        ("there", there()),
        ("absent", Pull::Absent),
        ("hidden", hidden(401)),
        ("locked", hidden(403)),
        ("private", hidden(401)),
        ("busy", unknown("it answers 429 Too Many Requests")),
        ("broken", unknown(&format!("https://{at}/token answers 500 Internal Server Error"))),
        ("speechless", unknown(&format!("https://{at}/token gives no token"))),
    ] {
        let place = place(&format!("{at}/{name}:v1"));
        assert_eq!(ask(&https, &place).await, expected, "{name}");
    }
}

#[tokio::test]
async fn who_does_not_prove_who_it_is_or_does_not_answer_is_not_believed() {
    let (at, _) = registry().await;
    let (_, other) = registry().await;
    let https = Https::trusting(other.as_bytes()).expect("a certificate");
    let Pull::Unknown(why) = ask(&https, &place(&format!("{at}/open:v1"))).await else {
        panic!("its authority is another one");
    };
    assert!(why.starts_with(&format!("no TLS with {at}: ")), "{why}");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let Pull::Unknown(why) = ask(&https, &place(&format!("{gone}/open:v1"))).await else {
        panic!("nobody is there");
    };
    assert!(why.starts_with(&format!("cannot connect to {gone}: ")), "{why}");
    assert!(Https::trusting(b"").is_err());
}
