//! What somebody else does to what is ours: on the wire, in a kernel, in the API.

use std::time::Duration;

use super::{Act, Then};

/// Long enough for whatever follows from it.
const WHILE: Duration = Duration::from_secs(3);

/// Longer than a term.
const LONG: Duration = Duration::from_secs(7);

/// A stranger answers for the address.
pub const STRANGER: Act = Act {
    title: "address stolen by a stranger",
    story: "somebody gave a new host the wrong address",
    strike: |stage, _| stage.steal(),
    mend: |stage, _| stage.give_up(),
    then: Then::Lasts(WHILE),
};

/// The tables in the owner's kernel are deleted.
pub const TABLES_DELETED: Act = Act {
    title: "packet filter tables deleted",
    story: "each by its name, while the owner holds",
    strike: |stage, node| stage.delete_tables(node),
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};

/// The owner's ruleset is flushed.
pub const FLUSHED: Act = Act {
    title: "nft flush ruleset",
    story: "what a firewall does when it starts",
    strike: |stage, node| stage.flush_ruleset(node),
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};

/// The address is deleted in the owner's kernel.
pub const ADDRESS_DELETED: Act = Act {
    title: "address deleted by somebody",
    story: "what a network manager does to what it does not know",
    strike: |stage, node| stage.delete_address(node),
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};

/// The owner's wall clock is set an hour ahead, and stays so.
pub const WALL_CLOCK_AHEAD: Act = Act {
    title: "wall clock set an hour ahead",
    story: "on the owner alone: by the others' clocks it renews in the future",
    strike: |stage, node| stage.set_wall_clock(node, 3600),
    mend: |_, _| Ok(()),
    then: Then::Lasts(LONG),
};

/// The owner's wall clock is set right.
pub const WALL_CLOCK_RIGHT: Act = Act {
    title: "wall clock set back by an hour",
    story: "somebody corrects it: the owner's renewals seem older than those before",
    strike: |stage, node| stage.set_wall_clock(node, 0),
    mend: |_, _| Ok(()),
    then: Then::Lasts(LONG),
};

/// Somebody annotates the Lease.
pub const LEASE_ANNOTATED: Act = Act {
    title: "Lease annotated by somebody",
    story: "each of the owner's writes may meet a version that it does not know",
    strike: |stage, node| {
        (0..20).try_for_each(|round: u32| {
            std::thread::sleep(Duration::from_millis(50));
            stage.annotate_lease(node, ("example.com/touched", &round.to_string()))
        })
    },
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};

/// Somebody deletes the Lease.
pub const LEASE_DELETED: Act = Act {
    title: "Lease deleted by somebody",
    story: "the owner is still there",
    strike: |stage, node| stage.delete_lease(node),
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};

/// The Lease goes back to what it was three seconds ago.
pub const LEASE_RESTORED: Act = Act {
    title: "Lease restored from an old state",
    story: "its version goes on, what it says does not",
    strike: |stage, node| {
        let old = stage.lease(node)?;
        std::thread::sleep(Duration::from_secs(3));
        stage.restore_lease(node, &old)
    },
    mend: |_, _| Ok(()),
    then: Then::Lasts(WHILE),
};
