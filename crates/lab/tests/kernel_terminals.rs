//! `kube-vip watch`, `failover-test` and `cleanup` as people use them: at a terminal, with
//! addresses of both families, on real kernels.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpStream};

use kube_vip_lab::net::nft::Table;
use kube_vip_lab::stage::{Stage, VIP, VIP6};
use kube_vip_lab::sys::terminal::{CTRL_C, CTRL_D};
use serde_json::{Value, json};

use commands::{PATIENCE, Seated, gone, run, seat, stage_of_both_families};

/// `NFPROTO_IPV6`.
const IPV6: u8 = 10;

/// Enters and leaves the second screen of a terminal (xterm's control sequences).
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

fn name(stage: &Stage, node: usize) -> &str {
    stage.world().node(node).name()
}

/// Starts a command at a terminal of a node.
fn on_node(stage: &Stage, node: usize, arguments: &[&str]) -> Seated {
    let kubeconfig = stage.control_plane().kubeconfig(node).display().to_string();
    let both = format!("{VIP6},{VIP}");
    let own = [
        ("address", both.as_str()),
        ("vip_nodename", name(stage, node)),
        ("KUBECONFIG", &kubeconfig),
    ];
    seat(stage, stage.world().node(node), arguments, &own)
}

#[test]
fn people_at_a_terminal_are_shown_and_asked() {
    let (stage, owner, _directory) = stage_of_both_families(vec![VIP6.into(), VIP.into()]);
    let heir = watched(&stage, owner);
    let holder = moved_when_agreed(&stage, heir);
    left_until_agreed(&stage, holder);
}

/// A watch is drawn anew when the address moves, and leaves the terminal as it was. Who holds then.
fn watched(stage: &Stage, owner: usize) -> usize {
    let heir = (owner + 1) % 3;
    let mut watch = on_node(stage, owner, &["watch", "--interval", "200ms"]);
    watch.until(stage, &format!("Holder {} Why", name(stage, owner)));
    let moved = run(stage, owner, &["move", "--to", name(stage, heir)]);
    assert_eq!(moved.code, 0, "{moved:?}");
    watch.until(stage, &format!("Holder {} Why", name(stage, heir)));
    // What candidates tell is a link-local address here: their Nodes' is asked.
    let asked = || run(stage, owner, &["status", "-o", "json"]).json();
    let all = |said: &Value| {
        said["elections"][0]["holder"]["ownWords"] == true && said["notAsked"] == json!([])
    };
    let waited = stage.wait("all daemons are asked", PATIENCE, || all(&asked()));
    waited.unwrap_or_else(|error| panic!("{error}\n{:#}", asked()));
    let (code, shown) = watch.press(CTRL_C);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.starts_with(ENTER) && shown.ends_with(LEAVE), "{shown:?}");
    heir
}

/// A fail-over test begins only when somebody says so; one address is heard by NDP, one by ARP.
/// Who holds then.
fn moved_when_agreed(stage: &Stage, holder: usize) -> usize {
    let own = fs::read_to_string(stage.control_plane().kubeconfig(0)).expect("readable");
    let kubeconfig = stage.spec().directory.join("kubeconfig");
    fs::write(&kubeconfig, own.replace("127.0.0.1", &VIP.to_string())).expect("writable");
    let kubeconfig = kubeconfig.to_str().expect("text");
    let both = format!("{VIP6},{VIP}");
    let test = |more: &[&str]| {
        let arguments = [&["failover-test", "--how", "move", "--settle", "1s"], more].concat();
        let environment = [("address", both.as_str()), ("KUBECONFIG", kubeconfig)];
        let mut test = seat(stage, stage.world().client(), &arguments, &environment);
        test.until(stage, "Go on? [y/N]");
        test
    };
    for no in ["n\n", "\n", "no\n", CTRL_D] {
        let (code, shown) = test(&[]).press(no);
        assert_eq!(code, Some(1), "{no:?}: {shown}");
        assert!(shown.contains("nothing was done"), "{no:?}: {shown}");
    }
    assert_eq!(stage.holder(0).expect("a Lease"), Some(holder), "nobody has agreed");
    let out = stage.spec().directory.join("test.json");
    let (code, shown) = test(&["--out", out.to_str().expect("text")]).press("y\n");
    assert_eq!(code, Some(0), "{shown}");
    let said: Value = serde_json::from_slice(&fs::read(out).expect("it is written")).expect("JSON");
    let after = said["detail"]["holder"]["after"].as_str().expect("a name");
    let rows = said["rows"].as_array().expect("rows");
    let owners = rows.iter().find(|row| row["check"] == "one-owner").expect("such a row");
    assert_eq!(owners["result"], "ok", "{said:#}");
    for evidence in ["NDP", "ARP"] {
        let both = format!("{evidence}: {}, then {after}", name(stage, holder));
        assert!(owners["evidence"].as_str().is_some_and(|text| text.contains(&both)), "{said:#}");
    }
    (0..3).find(|node| name(stage, *node) == after).expect("a node")
}

/// What a kube-vip has left of an address of IPv6 goes when somebody says so, and not before:
/// address, connections, nft table, the Lease; and elsewhere the neighbour entry.
fn left_until_agreed(stage: &Stage, holder: usize) {
    let other = (holder + 1) % 3;
    let (host, neighbour) = (stage.world().node(holder), stage.world().node(other));
    for node in 0..3 {
        stage.daemon(node).expect("it runs").kill().expect("it lives");
        gone(stage, node);
    }
    let has = || host.rtnl().addresses().expect("a list").contains(&VIP6.into());
    stage.wait("its lifetime is over", PATIENCE, || !has()).expect("it goes by itself");
    // As after the original's SIGKILL: the address for ever, and the table of its egress.
    host.rtnl().add_address(host.interface(), VIP6, 128).expect("it is free");
    host.add_table(&Table { family: IPV6, name: "kube_vip_v6".to_owned() }).expect("a table");
    let at = SocketAddr::from((VIP6, 7000));
    let _listener = host.listen(at).expect("it is the host's");
    let client = neighbour.run(|| TcpStream::connect(at)).expect("a host");
    let mut client = client.expect("somebody listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a time");

    let kubeconfig = stage.control_plane().kubeconfig(holder).display().to_string();
    let cleanup = |node| {
        let mut cleanup = on_node(stage, node, &["cleanup", "--kubeconfig", &kubeconfig]);
        cleanup.until(stage, "Remove this? [y/N]");
        cleanup
    };
    let (code, shown) = cleanup(holder).press("n\n");
    assert_eq!(code, Some(2), "{shown}");
    let squeezed = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        &format!("address {VIP6}/128 dev {}", host.interface()),
        "nft table ip6 kube_vip_v6",
        &format!("Lease kube-system/plndr-cp-lock {} is its holder", name(stage, holder)),
    ] {
        assert!(squeezed.contains(part), "{part:?} in\n{shown}");
    }
    assert!(has(), "nothing was changed");
    let (code, shown) = cleanup(holder).press("y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(!has(), "{shown}");
    assert_eq!(host.tables().expect("a list"), []);
    assert_eq!(stage.lease(holder).expect("it is there")["spec"]["holderIdentity"], "");
    let end = client.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset), "whoever is connected is told");

    let entry = || neighbour.rtnl().neighbour(VIP6.into()).expect("a table");
    assert!(entry().is_some(), "the connection has made it");
    let (code, shown) = cleanup(other).press("y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("neighbour") && entry().is_none(), "{shown}");
}
