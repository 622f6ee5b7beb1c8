//! The order of the places, and what is read again.

#![expect(clippy::unwrap_in_result, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::*;

fn local() -> Local {
    Local { vips: Arc::from([]), port: 6443 }
}

fn places(dir: &TempDir, credentials: Credentials) -> Places {
    Places {
        credentials,
        only: None,
        root: dir.path().to_owned(),
        service_host: None,
        service_port: None,
        addresses: Vec::new,
    }
}

fn names(places: &Places) -> Vec<String> {
    let root = places.root.to_string_lossy().into_owned();
    places.ordered().iter().map(|place| place.to_string().replace(&root, "")).collect()
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn kubeconfig(token: &str) -> String {
    format!(
        "current-context: x\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\n\
         users: [{{name: u, user: {{token: '{token}'}}}}]\n"
    )
}

fn token(search: &mut Search, number: usize) -> Result<String, String> {
    let identity = search.identity(number).expect("there is such a place")?;
    let header = identity.authorization.as_ref().expect("there is a token");
    Ok(header.to_str().expect("it is a text").trim_start_matches("Bearer ").to_owned())
}

#[test]
fn the_order_is_that_of_the_documentation() {
    let dir = tempdir().unwrap();
    let defaults = [
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/super-admin.conf",
        "/.kube/config",
        "service account",
    ];
    assert_eq!(names(&places(&dir, Credentials::default())), defaults);
    let all = Credentials {
        k8s_config_file: Some("/a/b".into()),
        kubeconfig_env: Some("/c:/d:".to_owned()),
        home: Some("/h".into()),
        server: None,
    };
    assert_eq!(
        names(&places(&dir, all)),
        [
            "/a/b",
            "/c:/d",
            "/etc/kubernetes/admin.conf",
            "/etc/kubernetes/super-admin.conf",
            "/h/.kube/config",
            "/.kube/config",
            "service account"
        ]
    );
    let root = |path: &str| dir.path().join(path).to_string_lossy().into_owned();
    let repeated = Credentials {
        k8s_config_file: Some(root("etc/kubernetes/super-admin.conf").into()),
        kubeconfig_env: Some(root("etc/kubernetes/admin.conf")),
        home: Some(dir.path().to_owned()),
        server: None,
    };
    assert_eq!(
        names(&places(&dir, repeated)),
        [
            "/etc/kubernetes/super-admin.conf",
            "/etc/kubernetes/admin.conf",
            "/.kube/config",
            "service account"
        ]
    );
    let empty = Credentials { kubeconfig_env: Some(":".to_owned()), ..Credentials::default() };
    assert_eq!(names(&places(&dir, empty)), defaults);
}

#[test]
fn a_server_may_stand_in_the_place_of_the_kubeconfigs() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("etc/kubernetes/admin.conf");
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    let text = "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], \
                clusters: [{name: a, cluster: {server: 'http://192.0.2.1'}}]}";
    fs::write(path, text).expect("a file");
    let server = |credentials: Credentials| {
        let local = Local { vips: [].into(), port: 6443 };
        let mut search = Search::new(&places(&dir, credentials), local);
        let identity = search.identity(0).expect("a place").expect("a kubeconfig");
        identity.server.to_string()
    };
    assert_eq!(server(Credentials::default()), "http://192.0.2.1:80");
    let other = Some("http://kubernetes:6443".to_owned());
    let other = Credentials { server: other, ..Credentials::default() };
    assert_eq!(server(other), "http://kubernetes:6443");
}

#[test]
fn a_kubeconfig_may_be_the_only_one() {
    let only = Some(PathBuf::from("/a/b"));
    let places = Places { only, ..Places::from(Credentials::default()) };
    assert_eq!(places.ordered(), [Place::Files(vec![PathBuf::from("/a/b")])]);
}

#[test]
fn this_hosts_places_begin_at_the_root() {
    let places = Places::from(Credentials::default());
    assert_eq!(places.root, Path::new("/"));
    assert_eq!(places.ordered()[0].to_string(), "/etc/kubernetes/admin.conf");
}

#[test]
fn says_of_every_place_why_it_is_of_no_use() {
    let dir = tempdir().unwrap();
    let mut search = Search::new(&places(&dir, Credentials::default()), local());
    fs::create_dir_all(dir.path().join("etc/kubernetes/admin.conf")).unwrap();
    put(&dir.path().join("etc/kubernetes/super-admin.conf"), "");
    let mut text = |number| {
        let found = search.identity(number)?;
        Some(found.unwrap_err().replace(&*dir.path().to_string_lossy(), ""))
    };
    assert_eq!(text(0).unwrap(), "/etc/kubernetes/admin.conf: a directory");
    assert_eq!(text(1).unwrap(), "/etc/kubernetes/super-admin.conf: empty");
    assert_eq!(text(2).unwrap(), "/.kube/config: not there");
    assert_eq!(text(3).unwrap(), "service account: KUBERNETES_SERVICE_HOST is not set");
    assert_eq!(text(4), None);
}

#[test]
fn a_file_is_found_when_it_comes_and_when_it_is_complete() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("etc/kubernetes/admin.conf");
    let mut search = Search::new(&places(&dir, Credentials::default()), local());
    assert!(token(&mut search, 0).is_err());
    let whole = kubeconfig("one");
    for length in [1, 10, whole.len() / 2, whole.len() - 10] {
        put(&path, &whole[..length]);
        let outcome = token(&mut search, 0);
        assert!(outcome.is_err(), "{length} bytes gave {outcome:?}");
    }
    put(&path, &whole);
    assert_eq!(token(&mut search, 0), Ok("one".to_owned()));
    // Rewritten in place, with the same length, at once.
    put(&path, &kubeconfig("two"));
    assert_eq!(token(&mut search, 0), Ok("two".to_owned()));
    // Swapped.
    let other = dir.path().join("other");
    put(&other, &kubeconfig("three"));
    fs::rename(&other, &path).unwrap();
    assert_eq!(token(&mut search, 0), Ok("three".to_owned()));
    fs::remove_file(&path).unwrap();
    assert!(token(&mut search, 0).is_err());
}

#[test]
fn a_file_that_is_referred_to_is_followed() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("etc/kubernetes/admin.conf");
    put(&path, &kubeconfig("").replace("token: ''", "tokenFile: token"));
    let mut search = Search::new(&places(&dir, Credentials::default()), local());
    let missing = token(&mut search, 0).unwrap_err();
    assert!(missing.ends_with("/etc/kubernetes/token: not there"), "{missing}");
    let file = path.parent().unwrap().join("token");
    for text in ["one", "two"] {
        put(&file, text);
        assert_eq!(token(&mut search, 0), Ok(text.to_owned()));
    }
}

#[test]
fn the_same_contents_are_the_same_identity() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("etc/kubernetes/admin.conf");
    let mut search = Search::new(&places(&dir, Credentials::default()), local());
    put(&path, &kubeconfig("one"));
    let first = search.identity(0).unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    put(&path, &kubeconfig("one"));
    let second = search.identity(0).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    put(&path, &kubeconfig("two"));
    let third = search.identity(0).unwrap().unwrap();
    assert!(!Arc::ptr_eq(&first, &third));
}

#[test]
fn several_files_are_merged_as_client_go_does() {
    let dir = tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let joined = |names: &[&str]| {
        let paths = names.iter().map(|name| file(name));
        Some(std::env::join_paths(paths).unwrap().into_string().unwrap())
    };
    put(&file("a"), "current-context: x\nusers: [{name: u, user: {token: first}}]\n");
    put(&file("b"), &kubeconfig("second"));
    put(&file("broken"), "[");
    let search = |names| {
        let environment = Credentials { kubeconfig_env: joined(names), ..Credentials::default() };
        token(&mut Search::new(&places(&dir, environment), local()), 0)
    };
    assert_eq!(search(&["a", "missing", "b"]), Ok("first".to_owned()));
    assert_eq!(search(&["b", "a"]), Ok("second".to_owned()));
    assert!(search(&["missing", "missing-too"]).unwrap_err().ends_with(": not there"));
    assert!(search(&["broken", "b"]).unwrap_err().contains("YAML error"));
}

#[test]
fn a_pod_uses_its_service_account() {
    let dir = tempdir().unwrap();
    let account = dir.path().join("var/run/secrets/kubernetes.io/serviceaccount");
    let places = Places {
        service_host: Some("10.96.0.1".to_owned()),
        service_port: Some("443".to_owned()),
        ..places(&dir, Credentials::default())
    };
    let mut search = Search::new(&places, local());
    let missing = token(&mut search, 3).unwrap_err();
    assert!(missing.starts_with("service account: certificate-authority: "), "{missing}");
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["kubernetes".to_owned()]).unwrap();
    put(&account.join("ca.crt"), &params.self_signed(&key).unwrap().pem());
    put(&account.join("token"), "one");
    assert_eq!(token(&mut search, 3), Ok("one".to_owned()));
    put(&account.join("token"), "two");
    assert_eq!(token(&mut search, 3), Ok("two".to_owned()));
}
