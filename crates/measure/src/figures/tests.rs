//! Figures from single values.

use std::time::Duration;

use super::{Connects, Tally};
use crate::clock::Stamp;
use crate::connect::{End, News, Over};

fn at(ms: u64) -> Stamp {
    Stamp::default() + Duration::from_millis(ms)
}

#[test]
fn times_are_distributed() {
    let mut connects = Connects::default();
    connects.distribute(&mut []);
    assert_eq!(connects, Connects::default());

    let mut times: Vec<u32> = (1..=200).rev().collect();
    connects.distribute(&mut times);
    assert_eq!(connects.median, Duration::from_micros(101));
    assert_eq!(connects.p99, Duration::from_micros(199));
    assert_eq!(connects.longest, Duration::from_micros(200));
}

#[test]
fn connections_are_counted_by_how_they_end() {
    let mut tally = Tally::default();
    for (begun, over, end) in [
        (0, 1, Some(End::Made)),
        (10, 11, Some(End::Refused)),
        (20, 3_020, Some(End::Failed)),
        (30, 31, Some(End::Made)),
        (40, 1_040, Some(End::Made)),
        (50, 0, None),
    ] {
        tally.count(&News::Begun { target: 0, at: at(begun) });
        if let Some(end) = end {
            tally.count(&News::Over(Over { target: 0, begun: at(begun), at: at(over), end }));
        }
    }
    let seen = tally.end();
    assert_eq!((seen.tried, seen.made, seen.slow), (6, 3, 1));
    assert_eq!((seen.refused, seen.failed, seen.unfinished), (1, 1, 1));
    assert_eq!(seen.barred, Duration::from_millis(20));
    assert_eq!(seen.longest, Duration::from_secs(1));
}
