//! Which certificates will do.

use super::*;
use crate::cli::report::Verdict;

fn certificate(ends: &str) -> Certificate {
    Certificate {
        names: vec!["kubernetes".to_owned(), "*.example.org".to_owned()],
        addresses: vec!["192.168.20.140".parse().unwrap(), "fd00::140".parse().unwrap()],
        ends: ends.parse().unwrap(),
    }
}

fn row(wanted: &[&str], ends: &str) -> Row {
    let wanted: Vec<_> = wanted.iter().map(|&name| name.to_owned()).collect();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    judge("certificate", "the certificate", &certificate(ends), &wanted, now)
}

#[test]
fn names_and_addresses_are_told_apart() {
    let known = certificate("2027-01-01T00:00:00Z");
    for name in ["192.168.20.140", "fd00:0::140", "Kubernetes", "vip.example.org"] {
        assert!(known.is_for(name), "{name}");
    }
    for name in ["192.168.20.141", "kubernetes.default", "a.b.example.org", "example.org"] {
        assert!(!known.is_for(name), "{name}");
    }
}

#[test]
fn what_it_lacks_is_named() {
    let good = row(&["192.168.20.140", "kubernetes"], "2027-01-01T00:00:00Z");
    assert_eq!(good.result, Verdict::Ok);
    let bad = row(&["192.168.20.140", "10.0.0.9"], "2027-01-01T00:00:00Z");
    assert_eq!(bad.result, Verdict::Failed);
    assert!(bad.evidence.starts_with("the certificate is not for 10.0.0.9; it is for"), "{bad:?}");
}

#[test]
fn its_end_counts() {
    assert_eq!(row(&["kubernetes"], "2026-01-05T00:00:00Z").result, Verdict::Warning);
    assert_eq!(row(&["kubernetes"], "2025-12-31T00:00:00Z").result, Verdict::Failed);
}

#[test]
fn a_certificate_is_read() {
    let names = ["192.168.20.140".to_owned(), "k8s.example.org".to_owned()];
    let pem = rcgen::generate_simple_self_signed(names).unwrap().cert.pem();
    let read = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(read.names, ["k8s.example.org"]);
    assert_eq!(read.addresses, ["192.168.20.140".parse::<IpAddr>().unwrap()]);
    assert_eq!(Certificate::from_pem(b"no PEM"), None);
}
