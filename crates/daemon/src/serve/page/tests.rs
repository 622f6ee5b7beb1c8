//! What a browser gets.

use std::net::Ipv4Addr;

use kube_vip_core::address::Mac;

use super::super::view::{HolderView, HoldingOnView, LeaseView};
use super::*;

fn view(holder: &str) -> View {
    View {
        node: "cp-1".to_owned(),
        holding: false,
        reason: "OtherHolds",
        message: "another node holds the Lease".to_owned(),
        holder: Some(HolderView { node: holder.to_owned(), since: None }),
        term: None,
        holding_on: None,
        handing_over: None,
        addresses: vec![AddressView {
            address: Ipv4Addr::new(192, 168, 20, 140).into(),
            prefix: 24,
            interface: "end0".to_owned(),
            present: false,
            voice: None,
        }],
        fence: FenceView { state: "Ready", missing: None },
        fitness: FitnessView { fit: true, cordoned: false, api_server: None },
        candidates: Vec::new(),
        rival: None,
        lease: LeaseView {
            namespace: "kube-system".to_owned(),
            name: "plndr-cp-lock".to_owned(),
            transitions: 3,
            seen_at: None,
        },
        api: ApiView {
            answering: false,
            answered_at: None,
            seconds_since_answer: None,
            failing_since: Some("2026-11-22T21:32:29.000Z".to_owned()),
            error: Some("<html>\"bad gateway\"</html>".to_owned()),
        },
        reported_at: "2026-11-22T21:32:29.000Z".to_owned(),
        version: "1.0.0",
        build: "abc",
        started_at: "2026-11-22T21:30:29.000Z".to_owned(),
        uptime_seconds: 120.0,
    }
}

#[test]
fn texts_from_elsewhere_cannot_become_markup() {
    let page = page(&view("<script>alert('x')</script>&"));
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("<html>\""), "{page}");
    let safe = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;";
    assert!(page.contains(safe), "{page}");
}

#[test]
fn it_says_what_this_node_does_and_links_the_rest() {
    let page = page(&view("cp-2"));
    assert!(page.contains("<h1>kube-vip on cp-1: does not hold</h1>"));
    assert!(page.contains("another node holds the Lease (OtherHolds)"));
    assert!(page.contains("up 2m0s"));
    for (path, _) in LINKS {
        assert!(page.contains(&format!("<a href=\"{path}\">")), "{path}");
    }
}

#[test]
fn it_says_who_else_is_there_and_what_is_odd() {
    let mut view = view("cp-1");
    let since = "2026-11-22T21:31:29.000Z".to_owned();
    view.holding_on = Some(HoldingOnView { since: since.clone(), seconds: 60.0 });
    view.handing_over = Some("cp-2".to_owned());
    view.addresses[0].voice = Some(Voice::Accepting);
    view.fence = FenceView { state: "Missing", missing: Some("no egress hook".to_owned()) };
    view.fitness.cordoned = true;
    view.candidates.push(CandidateView {
        node: "cp-2".to_owned(),
        fit: true,
        cordoned: false,
        seen_at: since.clone(),
        seconds_since_seen: 60.0,
    });
    view.rival = Some(RivalView {
        address: Ipv4Addr::new(192, 168, 20, 140).into(),
        mac: Mac([2, 0, 0, 0, 0, 9]),
        node: None,
        heard_at: since,
        seconds_since_heard: 60.0,
    });
    let page = page(&view);
    for text in [
        "<th>Holding on</th><td>since 2026-11-22T21:31:29.000Z",
        "<th>Handing over to</th><td>cp-2<",
        "here, accepts packets and answers nobody who asks for it<",
        "<th>Fence</th><td>Missing: no egress hook<",
        "<th>This node</th><td>fit, cordoned<",
        "<th>Candidate</th><td>cp-2: fit, last seen 2026-11-22T21:31:29.000Z<",
        "<th>Rival</th><td>an unknown station (02:00:00:00:00:09) spoke for 192.168.20.140, last",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
}
