//! Unit tests of `sight`.

use super::*;
use crate::event::Nonce;

const DURATION: Duration = Duration::from_secs(5);

fn seen(version: u64, holder: &str, renewed: i64, nonce: &str) -> Option<Observation> {
    let record = LeaseRecord {
        holder: holder.into(),
        duration: DURATION,
        renewed: Some(renewed),
        nonce: Some(Nonce(nonce.into())),
        ..LeaseRecord::default()
    };
    Some(Observation { version: Version(version.to_string()), record })
}

#[test]
fn a_writer_who_leaves_the_mark_as_it_was_is_none_of_ours() {
    let next = |before, seen| Some(Sight::next(before, seen, DURATION, Moment::START));
    let unmarked = |sight: &Option<Sight>| sight.as_ref().is_some_and(|sight| sight.unmarked);
    let mut sight = next(None, seen(1, "a", 1, "a-1"));
    assert!(!unmarked(&sight), "the first look tells nothing");
    sight = next(sight, seen(2, "a", 2, "a-2"));
    assert!(!unmarked(&sight), "one of ours renews");
    sight = next(sight, seen(3, "a", 3, "a-2"));
    assert!(unmarked(&sight), "somebody of the same name renews");
    sight = next(sight, seen(4, "a", 3, "a-2"));
    assert!(unmarked(&sight), "a touched annotation changes nothing");
    sight = next(sight, seen(5, "", 4, "a-2"));
    assert!(unmarked(&sight), "it releases");
    sight = next(sight, None);
    assert!(unmarked(&sight), "the Lease is deleted");
    sight = next(sight, seen(6, "b", 5, "b-1"));
    assert!(!unmarked(&sight), "one of ours claims it");
}
