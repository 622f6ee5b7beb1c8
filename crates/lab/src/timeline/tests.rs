//! The timeline's own arithmetic and words.

use std::time::Duration;

use super::{Entry, Fault, Timeline, What};

fn recording(entries: &[(u64, What)]) -> Timeline {
    Timeline {
        nodes: vec!["n1".to_owned(), "n2".to_owned()],
        entries: entries
            .iter()
            .map(|(at, what)| Entry { at: Duration::from_millis(*at), what: what.clone() })
            .collect(),
        ended: Duration::from_secs(10),
    }
}

fn answers(node: usize, on: bool) -> What {
    What::Answers { node, on }
}

#[test]
fn silence_before_the_first_answer_does_not_count() {
    let timeline = recording(&[(4000, answers(0, true))]);
    assert_eq!(timeline.longest_silence(), Duration::ZERO);
}

#[test]
fn the_longest_silence_is_found_also_at_the_end() {
    let mut entries =
        vec![(0, answers(0, true)), (1000, answers(0, false)), (3000, answers(1, true))];
    assert_eq!(recording(&entries).longest_silence(), Duration::from_secs(2));
    entries.push((7000, answers(1, false)));
    assert_eq!(recording(&entries).longest_silence(), Duration::from_secs(3));
}

#[test]
fn an_outage_explains_the_slow_connections_in_it() {
    let second = Duration::from_secs(1);
    let slow = |at: u64| (at, What::Slow(second));
    let outage = (2000, What::Outage(second));
    let mut timeline = recording(&[slow(1000), slow(1995), outage.clone(), slow(2500), slow(4000)]);
    timeline.leave_out_explained();
    assert_eq!(timeline, recording(&[slow(1000), outage, slow(4000)]));
}

#[test]
fn entries_read_as_clauses() {
    let timeline = recording(&[
        (0, What::Lease { holder: Some(1) }),
        (1, What::Renewed { node: 1 }),
        (2500, What::Fault(Fault::Cut(1))),
        (2501, What::Fault(Fault::StoreAway)),
    ]);
    let text = timeline.text(|what| !matches!(what, What::Renewed { .. }));
    assert_eq!(
        text,
        "    0.0000 s  the Lease names n2\n    2.5000 s  * n2: port cut\n    \
         2.5010 s  * store away\n   10.0000 s  end\n"
    );
}

#[test]
fn every_part_that_is_taken_can_be_given_back() {
    let pairs = [
        (Fault::Killed(0), Fault::Started(0)),
        (Fault::Terminated(0), Fault::Started(0)),
        (Fault::Frozen(0), Fault::Thawed(0)),
        (Fault::Starved(0), Fault::Relieved(0)),
        (Fault::PoweredOff(0), Fault::PoweredOn(0)),
        (Fault::Cut(0), Fault::Healed(0)),
        (Fault::Unplugged(0), Fault::Plugged(0)),
        (Fault::ApiKilled(0), Fault::ApiStarted(0)),
        (Fault::ApiFrozen(0), Fault::ApiThawed(0)),
        (Fault::ApiSlowed(0), Fault::ApiPaced(0)),
        (Fault::WatchBroken(0), Fault::WatchMended(0)),
        (Fault::KernelRefused(0), Fault::KernelObeyed(0)),
        (Fault::Deafened(0), Fault::Hears(0)),
        (Fault::Muted(0), Fault::Heard(0)),
        (Fault::Garbled(0), Fault::Ungarbled(0)),
        (Fault::ApiUnready(0), Fault::ApiReady(0)),
        (Fault::Reverted(0), Fault::Started(0)),
        (Fault::Cordoned(0), Fault::Uncordoned(0)),
    ];
    for (begin, end) in pairs {
        assert!(begin.takes().is_some());
        assert_eq!(begin.takes(), end.gives(), "{begin:?} and {end:?}");
        assert_eq!(begin.gives(), None);
        assert_eq!(end.takes(), None);
    }
}
