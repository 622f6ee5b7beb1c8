//! The guides to migration, followed step by step on real nodes.

use kube_vip_lab::cluster::assets::Assets;
use kube_vip_lab::cluster::containerd::Image;
use kube_vip_lab::pki::Distribution;

use crate::guide::Guide;
use crate::trial::{NODES, Trial, exclusively, image, manifest};

/// The image of the mission document.
const ORIGINAL: &str = "ghcr.io/kube-vip/kube-vip:v1.0.3";

/// The part of the original is played by client-go's elector.
fn original() -> Image {
    let tar = Assets::find().program("elector-image.tar").unwrap_or_else(|error| panic!("{error}"));
    let name = "localhost/kube-vip-lab/elector:1".to_owned();
    Image { tar, name, known_as: ORIGINAL.to_owned() }
}

/// All nodes, the holder last.
pub(crate) fn holder_last(holder: usize) -> Vec<usize> {
    (0..NODES).filter(|node| *node != holder).chain([holder]).collect()
}

#[test]
fn from_the_original_and_back_as_the_guide_says() {
    let _alone = exclusively();
    let guide = Guide::read("migrate-from-the-original.md");
    let steps = ["holder", "replace", "wait", "candidates", "failover", "back", "clean"];
    guide.has_only(&steps);
    let images = vec![image(), original()];
    let mut trial = Trial::with("original", Distribution::K3s, images);
    let ours = image().known_as;
    trial.start(Some(&manifest().replace(&ours, ORIGINAL)));
    let holder = trial.holder("an original takes the address", |_| true);
    trial.all_pods_run();
    assert_eq!(trial.run(0, guide.block("holder")), trial.name_of(holder));

    for node in holder_last(holder) {
        trial.run(node, guide.block("replace"));
        trial.run(node, guide.block("wait"));
    }
    let holder = trial.holder("one of ours holds", |_| true);
    trial.check(holder, 401);
    let candidates = trial.run(0, guide.block("candidates"));
    for node in 0..NODES {
        let row = candidates.lines().find(|line| line.starts_with(&trial.name_of(node)));
        assert!(row.is_some_and(|row| row.trim_end().ends_with("true")), "{candidates}");
    }
    let report = trial.run((holder + 1) % NODES, guide.block("failover"));
    assert!(report.contains("\nfailover-test: "), "{report}");

    let holder = trial.holder("another one of ours holds", |node| node != holder);
    for node in holder_last(holder) {
        trial.run(node, guide.block("back"));
        trial.run(node, &guide.block("wait").replace(&ours, ORIGINAL));
    }
    trial.holder("an original holds again", |_| true);
    trial.run(0, guide.block("clean"));
    let left = trial.run(0, "kubectl -n kube-system get leases -o name | grep -v /apiserver-");
    assert_eq!(left.trim(), "lease.coordination.k8s.io/plndr-cp-lock");
    for node in 0..NODES {
        assert_eq!(trial.tables(node), 0, "no nftables table is left");
    }
    trial.end_without_two();
}
