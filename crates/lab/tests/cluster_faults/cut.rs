//! The owner is cut off, wholly or one way, alone or with company, and comes back.

use std::thread;
use std::time::Duration;

use kube_vip_lab::report::time_with_two_owners;
use kube_vip_lab::stage::act::{CUT, DEAF, MUTE, SPLIT, UNPLUG};

use crate::case::{Case, moves_once};

/// How often the address is asked to move.
const TRIES: usize = 15;

/// How soon the one that held on lets go after it has met the other.
const AGREE_WITHIN: Duration = Duration::from_millis(250);

/// Moves the address to a node whose member of etcd does not lead. The bound of an outage is for
/// an API that accepts writes; without the leader it does not, until there is another one.
fn away_from_the_leader(case: &mut Case) {
    let stage = &case.stage;
    for attempt in 1..=TRIES {
        match stage.holder(0) {
            Ok(Some(owner)) if !stage.leads_store(owner) => return,
            // One that was cut off just now is not taken for fit at once, and refused.
            Ok(Some(owner)) => drop(stage.ask_to_move(owner, (owner + 1 + attempt % 2) % 3)),
            _ => {}
        }
        thread::sleep(Duration::from_secs(1));
    }
    case.fails("the address cannot be moved away from etcd's leader".to_owned());
}

#[test]
fn a_node_that_is_cut_off_is_replaced_and_lets_go_when_it_meets_the_other() {
    let mut case = Case::new(|_| {});
    for act in [CUT, UNPLUG, DEAF, MUTE] {
        away_from_the_leader(&mut case);
        case.act(&act, moves_once);
    }
    for _ in 0..2 {
        away_from_the_leader(&mut case);
        case.act(&SPLIT, |performance| {
            let both = time_with_two_owners(&performance.run.timeline);
            if both > AGREE_WITHIN {
                return Err(format!("two owners for {both:?} after they met"));
            }
            Ok(())
        });
    }
    case.end();
}
