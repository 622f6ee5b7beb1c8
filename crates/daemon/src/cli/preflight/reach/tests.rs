//! What kubeconfigs and certificates come to.

use super::*;
use crate::cli::report::Verdict;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 20, 140));

fn used(host: &str) -> Usable {
    let server = format!("https://{host}:6443");
    Usable { name: "/k".to_owned(), server, host: host.to_owned(), port: 6443 }
}

#[test]
fn a_server_that_is_the_address_itself_is_a_trap() {
    let verdict = |addresses: &[IpAddr], near| {
        judge_server(&used("k8s.example.org"), addresses, &[VIP], near).result
    };
    assert_eq!(verdict(&[Ipv4Addr::LOCALHOST.into()], false), Verdict::Ok);
    assert_eq!(verdict(&[], false), Verdict::Ok);
    assert_eq!(verdict(&[VIP], true), Verdict::Warning);
    assert_eq!(verdict(&[VIP], false), Verdict::Failed);
}

#[test]
fn the_first_usable_kubeconfig_counts() {
    let missing = || Err("/a: no such file".to_owned());
    assert_eq!(kubeconfig(&[missing(), Ok(used("127.0.0.1"))]).result, Verdict::Ok);
    let row = kubeconfig(&[missing(), Err("/b: no YAML".to_owned())]);
    assert_eq!(row.result, Verdict::Failed);
    assert_eq!(row.evidence, "none can be used: /a: no such file, /b: no YAML");
}

#[test]
fn the_secret_of_k3s_is_read() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let wanted = [VIP.to_string()];
    let verdict = |secret| judge_secret(secret, &wanted, now).result;
    assert_eq!(verdict(Ok(None)), Verdict::Skipped);
    assert_eq!(verdict(Ok(Some([].into()))), Verdict::Unknown);
    let refused = ClusterError::Call(CallerError::Refused("403".to_owned()));
    assert_eq!(verdict(Err(refused)), Verdict::Skipped);
    let of = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Ok(Some([("tls.crt".to_owned(), made.cert.pem().into_bytes())].into()))
    };
    assert_eq!(verdict(of("192.168.20.140")), Verdict::Ok);
    assert_eq!(verdict(of("192.168.20.141")), Verdict::Failed);
}
