//! Who may answer, before and after.

use super::*;
use crate::cli::report::Verdict::{self, Failed, Ok as Good, Unknown};
use crate::settings::host::HostLink;

const fn mac(last: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, last])
}

fn owners(holder: Option<&str>) -> Owners {
    let names = [(mac(1), "cp-1".to_owned()), (mac(2), "cp-2".to_owned())];
    Owners { holder: holder.map(str::to_owned), names: names.into() }
}

fn seen(local: Option<u8>, others: &[u8]) -> Seen {
    Seen { local: local.map(mac), others: others.iter().map(|last| mac(*last)).collect() }
}

fn link() -> LinkName {
    LinkName::new("end0").unwrap()
}

#[test]
fn before_a_deployment_nobody_or_the_holder_has_it() {
    for (holder, local, others, verdict) in [
        (None, None, &[][..], Good),
        (Some("cp-1"), None, &[], Good),
        (Some("cp-1"), None, &[1], Good),
        (Some("cp-1"), Some(1), &[], Good),
        (None, None, &[9], Failed),
        (None, None, &[1], Failed),
        (Some("cp-1"), None, &[2], Failed),
        (Some("cp-1"), None, &[1, 9], Failed),
        (None, Some(1), &[], Failed),
        (Some("cp-1"), Some(1), &[9], Failed),
    ] {
        let row = unused(&seen(local, others), &owners(holder), &link());
        assert_eq!(row.result, verdict, "{holder:?} {local:?} {others:?}: {row:?}");
    }
    let row = unused(&seen(None, &[9]), &owners(None), &link());
    assert!(row.evidence.contains("02:00:00:00:00:09"), "{row:?}");
    let vrrp = Mac([0, 0, 0x5e, 0, 1, 51]);
    let row = unused(&Seen { local: None, others: [vrrp].into() }, &owners(None), &link());
    assert!(row.evidence.contains("VRRP"), "{row:?}");
}

fn verdicts(seen: &Seen, owners: &Owners) -> Vec<(&'static str, Verdict)> {
    let rows = answering(seen, owners, "from here").into_iter();
    rows.map(|row| (row.check, row.result)).collect()
}

#[test]
fn after_it_exactly_the_holder_answers() {
    let held = owners(Some("cp-1"));
    let of = |one, holder| vec![("arp-one", one), ("arp-holder", holder)];
    assert_eq!(verdicts(&seen(None, &[1]), &held), of(Good, Good));
    assert_eq!(verdicts(&seen(Some(1), &[]), &held), of(Good, Good));
    assert_eq!(verdicts(&seen(None, &[]), &held), of(Failed, Failed));
    assert_eq!(verdicts(&seen(None, &[2]), &held), of(Good, Failed));
    assert_eq!(verdicts(&seen(None, &[1, 9]), &held), of(Failed, Good));
    assert_eq!(verdicts(&seen(Some(2), &[1]), &held), of(Failed, Good));
    let original = owners(Some("old"));
    assert_eq!(verdicts(&seen(None, &[9]), &original), of(Good, Unknown));
    assert_eq!(verdicts(&seen(None, &[1]), &owners(None)), [("arp-one", Good)]);
}

#[test]
fn an_address_is_on_the_segment_whose_subnet_has_it() {
    let around = |address: IpAddr, prefix: u8, vip: IpAddr| {
        let addresses = vec![(address, prefix)];
        let link =
            HostLink { name: link(), up: true, loopback: false, mac: Some(mac(1)), addresses };
        Segment::around(&Host { links: vec![link], ..Host::default() }, vip).is_some()
    };
    for (own, prefix, is) in [
        ([192, 168, 20, 11], 24, true),
        ([192, 168, 21, 11], 24, false),
        ([192, 168, 21, 11], 23, true),
        ([192, 168, 20, 140], 32, false),
        ([10, 0, 0, 1], 0, true),
    ] {
        assert_eq!(around(own.into(), prefix, [192, 168, 20, 140].into()), is, "{own:?}/{prefix}");
    }
    let six = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(around(six("fd00:20::11"), 64, six("fd00:20::140")));
    assert!(!around(six("fd00:21::11"), 64, six("fd00:20::140")));
}
