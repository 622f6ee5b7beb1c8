//! The picture as people see it.

use super::super::gather::NotAsked;
use super::super::picture::tests::{picture, said, written};
use super::*;

#[test]
fn a_cluster_that_is_well() {
    let mut picture = picture(Some(written()), vec![said("cp-1", |_| {}), said("cp-2", |_| {})]);
    picture.not_asked.push(NotAsked {
        what: "the daemon of cp-3 at 192.168.20.13:2112".to_owned(),
        why: "connection refused".to_owned(),
    });
    let expected = "\
kube-system/plndr-cp-lock

Holder   cp-1
Why      elected by the Lease (Elected)
Since    2026-11-22T21:30:25Z (2m 5s ago)
Until    2026-11-22T21:32:42.900Z (in 12s), unless it renews
Address  192.168.20.140/24 on end0 of cp-1: Answering
Moves    7 (leaseTransitions)

NODE  ROLE       FIT  CORDONED  PRIORITY  RENEWED  VERSION  SAYS
cp-1  holder     yes  no        0         5s ago   v1.0.0   elected by the Lease
cp-2  candidate  yes  no        0         5s ago   v1.0.0   another node holds the Lease
cp-3  candidate  yes  yes       0         5s ago   ?        (not asked)

Last Events:
  2m 5s ago  HolderChanged  cp-1 holds 192.168.20.140 now, before it cp-2

all is well, as far as could be asked

Not asked:
  the daemon of cp-3 at 192.168.20.13:2112: connection refused
";
    assert_eq!(table(&picture, Style::default()), expected);
}

#[test]
fn what_is_wrong_stands_at_the_end() {
    let mut written = written();
    written.lease = None;
    written.candidates.clear();
    written.events.clear();
    let expected = "\
kube-system/plndr-cp-lock

Holder  nobody

NODE  ROLE  FIT  CORDONED  PRIORITY  RENEWED  VERSION  SAYS

Wrong:
  nobody holds the addresses
";
    assert_eq!(table(&picture(Some(written), Vec::new()), Style::default()), expected);
}

#[test]
fn spans_have_two_units() {
    let all = [(0, "0s"), (-5, "0s"), (59, "59s"), (125, "2m 5s"), (11_520, "3h 12m")];
    for (seconds, expected) in all {
        assert_eq!(span(seconds), expected);
    }
    assert_eq!(span(5 * 86_400 + 2 * 3600), "5d 2h");
}
