//! Which settings are in the way, and when.

use super::*;
use crate::cli::report::Verdict;

const USUAL: Where<'static> = Where { link: "end0", has_default_route: true, prefix: 32 };

fn found(traps: Traps, at: Where<'_>) -> Vec<(String, Verdict)> {
    let rows = traps.judge(at).into_iter();
    rows.map(|row| (row.subject.unwrap_or_default(), row.result)).collect()
}

#[test]
fn what_clusters_usually_have_is_well() {
    let strict = Traps { arp_ignore: 1, arp_announce: 2, rp_filter: 1, ..Traps::default() };
    for traps in [Traps::default(), strict] {
        assert_eq!(found(traps, USUAL), [(String::new(), Verdict::Ok)]);
    }
}

#[test]
fn each_trap_is_named() {
    let other = Where { has_default_route: false, ..USUAL };
    let wide = Where { prefix: 24, ..USUAL };
    let of = |name: &str, verdict| vec![(name.to_owned(), verdict)];
    let traps = Traps { arp_ignore: 8, ..Traps::default() };
    assert_eq!(found(traps, USUAL), of("arp_ignore", Verdict::Failed));
    let traps = Traps { arp_ignore: 2, promote_secondaries: 1, ..Traps::default() };
    assert_eq!(found(traps, USUAL), of("arp_ignore", Verdict::Failed));
    assert_eq!(found(traps, wide), of("", Verdict::Ok), "the asker is in its subnet");
    let traps = Traps { rp_filter: 1, ..Traps::default() };
    assert_eq!(found(traps, other), of("rp_filter", Verdict::Warning));
    let traps = Traps { arp_filter: 1, ..Traps::default() };
    assert_eq!(found(traps, other), of("arp_filter", Verdict::Warning));
    let traps = Traps { proxy_arp: 1, ..Traps::default() };
    assert_eq!(found(traps, USUAL), of("proxy_arp", Verdict::Warning));
    assert_eq!(found(Traps::default(), wide), of("promote_secondaries", Verdict::Warning));
}

#[test]
fn the_greater_of_all_and_the_interface_counts() {
    let root = tempfile::tempdir().unwrap();
    for (place, ignore) in [("all", "0\n"), ("end0", "8\n")] {
        let conf = root.path().join("conf").join(place);
        fs::create_dir_all(&conf).unwrap();
        fs::write(conf.join("arp_ignore"), ignore).unwrap();
    }
    assert_eq!(Traps::read(root.path(), "end0").arp_ignore, 8);
    assert_eq!(Traps::read(root.path(), "end1").arp_ignore, 0);
}
