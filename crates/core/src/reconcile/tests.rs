//! Lifetimes that end before the term does; what counts as settled.

use std::time::Duration;

use super::{address_lifetime, settled};
use crate::address::Vip;
use crate::event::{Effect, Snapshot, Voice};
use crate::facts::Facts;
use crate::moment::Moment;

#[test]
fn an_address_is_gone_before_the_term_ends() {
    let until = Moment::after_start(Duration::from_millis(20_000));
    let table = [(4995, Some(4)), (4500, Some(4)), (4499, Some(3)), (1500, Some(1)), (1499, None)];
    for (rest, seconds) in table {
        let now = until - Duration::from_millis(rest);
        assert_eq!(address_lifetime(until, now), seconds.map(Duration::from_secs), "{rest} ms");
    }
    assert_eq!(address_lifetime(until, until + Duration::from_secs(1)), None);
}

#[test]
fn nothing_is_settled_before_the_kernel_was_looked_at() {
    let mut facts = Facts::default();
    assert!(!settled(&facts));
    facts.saw(Snapshot::default());
    assert!(settled(&facts));
}

#[test]
fn nothing_is_settled_while_the_kernel_may_be_adding_an_address() {
    let vip = Vip::new([192, 0, 2, 10].into(), 32).expect("a unicast address");
    let hold = Effect::Hold {
        vip,
        until: Moment::START + Duration::from_secs(5),
        voice: Voice::Answering,
    };
    let after = |carried_out| Snapshot { carried_out, ..Snapshot::default() };
    let mut facts = Facts::default();
    facts.saw(after(0));
    facts.tell(&hold);
    facts.tell(&hold);
    assert!(facts.is_told(&hold) && !settled(&facts));
    // Looked at before it was told, or while it was done.
    facts.saw(after(0));
    facts.saw(after(1));
    assert!(!settled(&facts));
    // One of them was refused: it may be told again, but the other one may yet come.
    facts.refused(&hold, Moment::START);
    assert!(!facts.is_told(&hold) && !settled(&facts));
    facts.saw(after(2));
    assert!(settled(&facts));
}
