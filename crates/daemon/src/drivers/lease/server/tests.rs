//! URLs, and what is dialled for them.

use tokio::sync::oneshot;

use super::*;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

fn local() -> Local {
    Local { vips: Arc::from([VIP]), port: 6443 }
}

fn parse(url: &str) -> Result<Server, UrlError> {
    Server::parse(url, local())
}

async fn dialled(url: &str) -> Vec<String> {
    let sockets = parse(url).unwrap().sockets().await.unwrap();
    sockets.iter().map(ToString::to_string).collect()
}

#[test]
fn takes_urls_as_kubeconfigs_have_them() {
    let parts = |url| {
        let server = parse(url).unwrap();
        (server.secure, server.authority(), server.base.clone(), server.to_string())
    };
    let owned = |secure, authority: &str, base: &str, shown: &str| {
        (secure, authority.to_owned(), base.to_owned(), shown.to_owned())
    };
    assert_eq!(
        parts("https://127.0.0.1:6443"),
        owned(true, "127.0.0.1:6443", "", "https://127.0.0.1:6443")
    );
    assert_eq!(
        parts(" https://api.example/k8s/clusters/c-1/ "),
        owned(true, "api.example:443", "/k8s/clusters/c-1", "https://api.example:443")
    );
    assert_eq!(
        parts("https://[2001:db8::1]:6443/"),
        owned(true, "[2001:db8::1]:6443", "", "https://[2001:db8::1]:6443")
    );
    assert_eq!(parts("http://localhost"), owned(false, "localhost:80", "", "http://localhost:80"));
    // Neither sent nor shown.
    assert_eq!(
        parts("https://me:secret@api.example:1"),
        owned(true, "api.example:1", "", "https://api.example:1")
    );
}

#[test]
fn refuses_what_is_no_url_of_a_server() {
    assert_eq!(parse("https://").unwrap_err(), UrlError::Malformed);
    assert_eq!(parse("").unwrap_err(), UrlError::Malformed);
    assert_eq!(parse("no url at all").unwrap_err(), UrlError::Malformed);
    assert_eq!(parse("127.0.0.1:6443").unwrap_err(), UrlError::Scheme);
    assert_eq!(parse("unix://run/socket").unwrap_err(), UrlError::Scheme);
}

#[tokio::test]
async fn this_nodes_server_is_dialled_before_a_services_address() {
    let mut server = parse("https://10.43.0.1:443").unwrap();
    assert!(!server.is_near());
    server.prefer_near();
    let sockets = server.sockets().await.unwrap();
    let near = SocketAddr::from(([127, 0, 0, 1], 6443));
    assert_eq!(sockets, [near, SocketAddr::from(([10, 43, 0, 1], 443))]);
    assert!(server.is_near());
    // What listens here could be anybody.
    let mut server = parse("http://10.43.0.1:80").unwrap();
    server.prefer_near();
    assert_eq!(server.sockets().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_server_is_dialled_where_it_is() {
    assert_eq!(dialled("https://192.0.2.11:6443").await, ["192.0.2.11:6443"]);
    assert_eq!(dialled("https://[2001:db8::1]:6443").await, ["[2001:db8::1]:6443"]);
}

#[tokio::test]
async fn the_plans_own_address_is_dialled_on_this_node() {
    assert_eq!(dialled("https://192.0.2.10:6443").await, ["127.0.0.1:6443"]);
    assert_eq!(dialled("https://[::ffff:192.0.2.10]:6443").await, ["127.0.0.1:6443"]);
    // Behind a load balancer's port, the API server may be at the plan's.
    assert_eq!(dialled("https://192.0.2.10:8443").await, ["127.0.0.1:8443", "127.0.0.1:6443"]);
}

#[tokio::test]
async fn a_name_of_the_plans_own_address_is_dialled_on_this_node() {
    let mut server = parse("https://localhost:6443").unwrap();
    server.local.vips = Arc::from([Ipv4Addr::LOCALHOST.into()]);
    server.local.port = 7443;
    let sockets = server.sockets().await.unwrap();
    assert_eq!(sockets, ["127.0.0.1:6443".parse().unwrap(), "127.0.0.1:7443".parse().unwrap()]);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_may_be_this_nodes() {
    // RFC 6761: never resolves.
    assert_eq!(dialled("https://api.invalid:6443").await, ["127.0.0.1:6443"]);
    // Without TLS nobody could tell whether it is.
    let plain = parse("http://api.invalid:6443").unwrap().sockets().await;
    let text = plain.unwrap_err().to_string();
    assert!(text.starts_with("cannot resolve api.invalid: "), "{text}");
}

#[tokio::test]
async fn the_last_known_addresses_outlive_the_name_server() {
    let server = parse("https://api.invalid:6443").unwrap();
    *server.names.known.lock().unwrap() = vec!["192.0.2.77".parse().unwrap()];
    let sockets = server.sockets().await.unwrap();
    assert_eq!(sockets, ["192.0.2.77:6443".parse().unwrap(), "127.0.0.1:6443".parse().unwrap()]);
    *server.names.known.lock().unwrap() = vec![VIP];
    assert_eq!(server.sockets().await.unwrap(), ["127.0.0.1:6443".parse().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_up_is_not_started_twice() {
    let names = Names::default();
    let (tell, told) = oneshot::channel();
    *names.running.lock().await = Some(told);
    for _ in 0..3 {
        let outcome = names.resolve("api.example").await;
        assert!(matches!(outcome, Err(ResolveError::Slow(_))), "{outcome:?}");
    }
    tell.send(Ok(vec![VIP])).unwrap();
    assert_eq!(names.resolve("api.example").await.unwrap(), [VIP]);
    assert_eq!(names.known(), [VIP]);
    assert!(names.running.lock().await.is_none());
}

#[tokio::test]
async fn a_name_without_addresses_is_an_error() {
    let names = Names::default();
    let (tell, told) = oneshot::channel();
    *names.running.lock().await = Some(told);
    tell.send(Ok(vec![])).unwrap();
    let outcome = names.resolve("api.example").await;
    assert_eq!(outcome.unwrap_err().to_string(), "api.example has no address");
}

fn near(url: &str, own: &[&str]) -> Vec<String> {
    let own: Vec<_> = own.iter().map(|text| text.parse().unwrap()).collect();
    parse(url).unwrap().near(&own).iter().map(ToString::to_string).collect()
}

#[test]
fn this_node_is_looked_at_on_this_node() {
    let own = ["192.0.2.7", "192.0.2.10"];
    let usual = ["127.0.0.1:6443", "192.0.2.7:6443"];
    assert_eq!(near("https://127.0.0.1:6443", &own), usual);
    assert_eq!(near("https://192.0.2.10:6443", &own), usual);
    assert_eq!(near("https://balancer.example:443", &own), usual);
    assert_eq!(near("https://192.0.2.77:8443", &own), usual);
    // What the URL says comes first.
    let [first, second] = usual;
    assert_eq!(near("https://192.0.2.10:8443", &own), ["127.0.0.1:8443", first, second]);
    assert_eq!(near("https://localhost:8443", &own), ["127.0.0.1:8443", first, second]);
    assert_eq!(near("https://127.0.0.5:6443", &[]), ["127.0.0.5:6443", first]);
}

#[test]
fn a_name_is_near_if_it_last_resolved_to_this_node() {
    let server = parse("https://api.example:8443").unwrap();
    assert!(!server.is_near());
    *server.names.known.lock().unwrap() = vec![VIP];
    assert!(server.is_near());
    assert_eq!(server.near(&[])[0], "127.0.0.1:8443".parse().unwrap());
    assert!(parse("https://127.0.0.1:6443").unwrap().is_near());
    assert!(parse("https://192.0.2.10:6443").unwrap().is_near());
    assert!(!parse("https://192.0.2.77:6443").unwrap().is_near());
}
