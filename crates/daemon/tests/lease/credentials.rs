//! Credentials that come late, are refused, or change.

use kube_vip::settings::config::Credentials;
use kube_vip_core::event::Call;
use serde_json::json;

use crate::server::{Reaction, Received, Server};
use crate::support::{Bench, full_kubeconfig, kubeconfig, lease, put, status, text};

/// A server that lets only some tokens in, and says the others what `code` means.
async fn only(allowed: &'static str, code: u16) -> Server {
    Server::start(move |request: &Received| {
        if request.header("authorization") == format!("Bearer {allowed}") {
            return Reaction::Reply(200, lease("7", "node1"));
        }
        Reaction::Reply(code, status(code, "Refused", "leases is not for you"))
    })
    .await
}

fn tokens(server: &Server) -> Vec<String> {
    let all = server.calls();
    all.iter().map(|call| call.header("authorization").replace("Bearer ", "")).collect()
}

#[tokio::test]
async fn without_any_kubeconfig_it_says_where_it_looked() {
    let mut bench = Bench::with(|dir| Credentials {
        k8s_config_file: Some(dir.join("explicit")),
        kubeconfig_env: Some(dir.join("environment").to_string_lossy().into_owned()),
        home: Some(dir.join("h")),
        server: None,
    });
    put(&bench.dir.path().join("environment"), "");
    let failure = text(bench.ask(Call::Read).await);
    let failure = failure.replace(&*bench.dir.path().to_string_lossy(), "");
    assert_eq!(
        failure,
        "no usable kubeconfig: /explicit: not there; /environment: empty; \
         /etc/kubernetes/admin.conf: not there; /etc/kubernetes/super-admin.conf: not there; \
         /h/.kube/config: not there; /.kube/config: not there; \
         service account: KUBERNETES_SERVICE_HOST is not set"
    );
}

#[tokio::test]
async fn a_kubeconfig_that_comes_later_is_used() {
    let server = only("good", 401).await;
    let mut bench = Bench::new();
    let whole = kubeconfig(&format!("http://{}", server.address), "good");
    text(bench.ask(Call::Read).await);
    put(&bench.admin_conf(), &whole[..whole.len() / 2]);
    text(bench.ask(Call::Read).await);
    put(&bench.admin_conf(), &whole);
    assert_eq!(bench.ask(Call::Read).await.unwrap().unwrap().version.0, "7");
}

#[tokio::test]
async fn refused_credentials_are_followed_by_the_next() {
    for code in [401, 403] {
        let server = only("super-admin", code).await;
        let mut bench = Bench::new();
        let url = format!("http://{}", server.address);
        put(&bench.admin_conf(), &kubeconfig(&url, "admin"));
        let super_admin = bench.admin_conf().with_file_name("super-admin.conf");
        put(&super_admin, "half a kubecon");
        let home = bench.dir.path().join(".kube/config");
        put(&home, &kubeconfig(&url, "super-admin"));
        for _ in 0..2 {
            bench.ask(Call::Read).await.unwrap().unwrap();
        }
        // The first is asked first each time.
        assert_eq!(tokens(&server), ["admin", "super-admin", "admin", "super-admin"]);
    }
}

#[tokio::test]
async fn if_all_are_refused_the_servers_words_are_told() {
    let server = only("nobody", 403).await;
    let mut bench = Bench::new();
    let url = format!("http://{}", server.address);
    put(&bench.admin_conf(), &kubeconfig(&url, "secret-1"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let super_admin = bench.admin_conf().with_file_name("super-admin.conf");
    put(&super_admin, &kubeconfig(&format!("http://{free}"), "secret-2"));
    let failure = text(bench.ask(Call::Read).await);
    let failure = failure.replace(&*bench.dir.path().to_string_lossy(), "");
    assert!(
        failure.starts_with(&format!(
            "{url} (/etc/kubernetes/admin.conf): 403 Forbidden: leases is not for you; \
             http://{free} (/etc/kubernetes/super-admin.conf): cannot connect to {free}: "
        )),
        "{failure}"
    );
    assert!(!failure.contains("secret"), "{failure}");
}

#[tokio::test]
async fn a_rotated_token_is_used_at_once() {
    let server = Server::start(|_| Reaction::Reply(200, lease("7", "node1"))).await;
    let cluster = json!({ "server": format!("http://{}", server.address) });
    let mut bench = Bench::new();
    put(&bench.admin_conf(), &full_kubeconfig(&cluster, &json!({ "tokenFile": "token" })));
    for token in ["one", "two"] {
        put(&bench.admin_conf().with_file_name("token"), token);
        bench.ask(Call::Read).await.unwrap().unwrap();
    }
    put(&bench.admin_conf(), &full_kubeconfig(&cluster, &json!({ "token": "three" })));
    bench.ask(Call::Read).await.unwrap().unwrap();
    assert_eq!(tokens(&server), ["one", "two", "three"]);
}
