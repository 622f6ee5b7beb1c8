//! What each phase's state comes to.

use std::net::Ipv4Addr;

use super::*;
use crate::cli::report::Verdict;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 20, 140));

fn phases(dns_name: Option<&'static str>) -> Phases<'static> {
    Phases { vips: &[VIP], port: 6443, dns_name, front: None }
}

#[test]
fn a_name_points_to_the_address_alone() {
    let verdict = |found: Result<Vec<IpAddr>, String>| dns(&[VIP], &found).result;
    let old = IpAddr::from([10, 255, 254, 6]);
    assert_eq!(verdict(Ok(vec![VIP])), Verdict::Ok);
    assert_eq!(verdict(Ok(vec![old])), Verdict::Warning);
    assert_eq!(verdict(Ok(vec![VIP, old])), Verdict::Warning);
    assert_eq!(verdict(Err("no such name".to_owned())), Verdict::Failed);
}

#[test]
fn a_kubeconfig_leads_to_the_address() {
    let used = |host: &str| Usable {
        name: "config".to_owned(),
        server: format!("https://{host}:6443"),
        host: host.to_owned(),
        port: 6443,
    };
    let verdict = |host: &str, found: [u8; 4]| {
        phases(Some("k8s.example.org")).kubeconfig(&used(host), &[found.into()]).result
    };
    assert_eq!(verdict("192.168.20.140", [192, 168, 20, 140]), Verdict::Ok);
    assert_eq!(verdict("other.example.org", [192, 168, 20, 140]), Verdict::Ok);
    assert_eq!(verdict("k8s.example.org", [10, 255, 254, 6]), Verdict::Ok, "phase 2 says it");
    assert_eq!(verdict("127.0.0.1", [127, 0, 0, 1]), Verdict::Skipped);
    assert_eq!(verdict("10.255.254.6", [10, 255, 254, 6]), Verdict::Warning);
}

#[test]
fn fronts_have_a_port_or_not() {
    assert_eq!(host_and_port("10.255.254.6", 6443), ("10.255.254.6", 6443));
    assert_eq!(host_and_port("10.255.254.6:8443", 6443), ("10.255.254.6", 8443));
    assert_eq!(host_and_port("haproxy.lan:8443", 6443), ("haproxy.lan", 8443));
    assert_eq!(host_and_port("[fd00::6]:8443", 6443), ("fd00::6", 8443));
    assert_eq!(host_and_port("fd00::6", 6443), ("fd00::6", 6443));
}

#[tokio::test]
async fn a_front_that_accepts_is_still_there() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap().to_string();
    assert_eq!(phases(None).front(&at).await.result, Verdict::Warning);
    drop(listener);
    assert_eq!(phases(None).front(&at).await.result, Verdict::Ok);
}
