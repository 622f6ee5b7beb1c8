//! Lines for what changed, and none for what goes on.

use super::super::picture::tests::{picture, said, written};
use super::*;

#[test]
fn each_change_is_a_line_and_sameness_none() {
    let both = || vec![said("cp-1", |_| {}), said("cp-2", |_| {})];
    let before = picture(Some(written()), both());
    let first = between(None, &before);
    assert_eq!(
        first,
        [
            "kube-system/plndr-cp-lock 192.168.20.140 on cp-1: Answering",
            "kube-system/plndr-cp-lock cp-1: fit, Elected",
            "kube-system/plndr-cp-lock cp-2: fit, OtherHolds",
            "kube-system/plndr-cp-lock cp-3: fit, cordoned",
            "kube-system/plndr-cp-lock event: HolderChanged: cp-1 holds 192.168.20.140 now, \
             before it cp-2",
            "kube-system/plndr-cp-lock holder: cp-1",
        ]
    );
    let later = picture(Some(written()), {
        let renewed =
            said("cp-1", |status| status["term"]["until"] = "2026-11-22T21:33:00Z".into());
        vec![renewed, said("cp-2", |_| {})]
    });
    assert_eq!(between(Some(&before), &later), Vec::<String>::new());
    let moved = picture(Some(written()), {
        let old = said("cp-1", |status| {
            status["holding"] = false.into();
            status["reason"] = "OtherHolds".into();
            status["addresses"][0]["present"] = false.into();
        });
        let new = said("cp-2", |status| {
            status["holding"] = true.into();
            status["reason"] = "Elected".into();
        });
        vec![old, new]
    });
    assert_eq!(
        between(Some(&before), &moved),
        [
            "kube-system/plndr-cp-lock cp-1: fit, Elected -> fit, OtherHolds",
            "kube-system/plndr-cp-lock cp-2: fit, OtherHolds -> fit, Elected",
            "kube-system/plndr-cp-lock holder: cp-1 -> cp-2",
            "kube-system/plndr-cp-lock 192.168.20.140 on cp-1: no longer",
        ]
    );
}
