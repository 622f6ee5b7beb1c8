//! Who runs here, with real sockets of this network namespace.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use super::*;

#[test]
fn names_are_found_among_other_sockets() {
    let socket = |path: &str| format!("0000000000000000: 00000002 00000000 0 0001 01 1 {path}\n");
    let named: String = ["/run/kube-vip/socket", "@/tmp/.X11-unix/X0"].map(socket).concat();
    let ours = socket("@kube-vip/kube-system/plndr-cp-lock");
    let head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
    let nameless = socket("").replace(" \n", "\n");
    let table = [head, &nameless, &named, &ours, &ours].concat();
    assert_eq!(names(&table), ["kube-vip/kube-system/plndr-cp-lock"; 2]);
}

#[test]
fn who_listens_is_found_once_and_goes_when_it_ends() {
    let name = format!("kube-vip/test/running-{}", process::id());
    let here = || {
        let all = running().expect("the kernel tells");
        let election = name.strip_prefix("kube-vip/").expect("it begins so");
        all.into_iter().filter(|one| one.election.as_deref() == Some(election)).collect::<Vec<_>>()
    };
    assert_eq!(here(), []);
    let address = SocketAddr::from_abstract_name(&name).expect("a good name");
    let listener = UnixListener::bind_addr(&address).expect("nobody has it");
    let own = Running {
        pid: Some(process::id().cast_signed()),
        election: Some(format!("test/running-{}", process::id())),
    };
    // Looking leaves a connection, which has the name too.
    for _ in 0..2 {
        assert_eq!(here(), std::slice::from_ref(&own));
    }
    drop(listener);
    assert_eq!(here(), []);
}
