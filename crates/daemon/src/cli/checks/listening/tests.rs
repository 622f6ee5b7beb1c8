//! How the kernel's tables are read, and what they come to.

use super::*;
use crate::cli::report::Verdict;

const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n";

#[test]
fn listeners_are_found() {
    let root = tempfile::tempdir().unwrap();
    let net = root.path().join("proc/net");
    fs::create_dir_all(&net).unwrap();
    let loopback = u32::from_ne_bytes([127, 0, 0, 1]);
    let tcp = format!(
        "{HEAD}   0: {loopback:08X}:192B 00000000:0000 0A 0:0\n   1: 00000000:192B 0:0 01 0:0\n"
    );
    fs::write(net.join("tcp"), tcp).unwrap();
    fs::write(net.join("tcp6"), format!("{HEAD}   0: {:032}:192B {:032}:0000 0A 0:0\n", 0, 0))
        .unwrap();
    let found: Vec<_> = listening(root.path(), 6443).into_iter().collect();
    assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::".parse().unwrap()]);
    assert!(listening(root.path(), 6444).is_empty());
}

#[test]
fn a_port_must_be_open_at_the_address() {
    let vip = IpAddr::from([192, 168, 20, 140]);
    let row = |at: &[&str]| {
        let at = at.iter().map(|text| text.parse().unwrap()).collect();
        port(&at, 6443, &[vip]).result
    };
    assert_eq!(row(&["0.0.0.0"]), Verdict::Ok);
    assert_eq!(row(&["::"]), Verdict::Ok);
    assert_eq!(row(&["192.168.20.140"]), Verdict::Ok);
    assert_eq!(row(&[]), Verdict::Warning);
    assert_eq!(row(&["127.0.0.1", "192.168.20.11"]), Verdict::Failed);
}
