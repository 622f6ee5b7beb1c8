//! Which programs are in the way.

use std::net::Ipv4Addr;

use super::*;
use crate::cli::report::Verdict;

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 20, 140));

fn row_with(conf: Option<&str>, programs: &[&str]) -> Row {
    let root = tempfile::tempdir().unwrap();
    for (number, name) in (4_000_000_u32..).zip(programs) {
        let process = root.path().join("proc").join(number.to_string());
        fs::create_dir_all(&process).unwrap();
        fs::write(process.join("comm"), format!("{name}\n")).unwrap();
    }
    if let Some(conf) = conf {
        let path = root.path().join(KEEPALIVED);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, conf).unwrap();
    }
    row(root.path(), &[VIP])
}

#[test]
fn a_keepalived_with_the_address_is_a_rival() {
    let conf = "virtual_ipaddress {\n  192.168.20.140/24 dev end0\n}\n";
    assert_eq!(row_with(Some(conf), &["keepalived"]).result, Verdict::Failed);
    assert_eq!(row_with(Some(conf), &["sshd"]).result, Verdict::Warning);
    let other = "# 192.168.20.140\nvirtual_ipaddress {\n  192.168.20.14\n}\n";
    let row = row_with(Some(other), &["keepalived"]);
    assert_eq!(row.result, Verdict::Ok);
    assert!(row.evidence.starts_with("keepalived (process 4000000) runs here"), "{row:?}");
}

#[test]
fn a_kube_vip_that_runs_is_said() {
    assert!(row_with(None, &["kube-vip"]).evidence.contains("runs here already"));
    assert!(row_with(None, &[]).evidence.starts_with("no keepalived"));
}
