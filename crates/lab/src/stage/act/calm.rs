//! What is slow, overloaded or away, for all alike or for the owner alone: no reason to move the
//! address, or one to move it once.

use std::time::Duration;

use super::super::{Stage, StageError, Trouble};
use super::{Act, Then};

/// As slow as an API server can be and still answer clients of client-go in time.
const SLOW: Trouble = Trouble::Delays(Duration::from_secs(8));

/// Long enough for each term to end several times.
const LONG: Duration = Duration::from_secs(10);

/// All API servers are stopped for this time.
#[must_use]
pub const fn apis_frozen(span: Duration) -> Act {
    Act {
        title: "all API servers frozen",
        story: "they accept connections, and answer nothing",
        strike: |stage, _| each(stage, |stage, node| stage.control_plane().freeze(node)),
        mend: |stage, _| each(stage, |stage, node| stage.control_plane().thaw(node)),
        then: Then::Lasts(span),
    }
}

/// Every API server takes 8 s for each request.
pub const APIS_SLOW: Act = Act {
    title: "all API servers slow (8 s)",
    story: "overloaded, and not away",
    strike: |stage, _| troubled(stage, SLOW),
    mend: |stage, _| troubled(stage, Trouble::None),
    then: Then::Lasts(LONG),
};

/// Every API server answers 500.
pub const APIS_FAIL: Act = Act {
    title: "all API servers answer 500",
    story: "something behind them is broken",
    strike: |stage, _| troubled(stage, Trouble::Fails),
    mend: |stage, _| troubled(stage, Trouble::None),
    then: Then::Lasts(LONG),
};

/// Every API server lets requests hang, and then answers them late.
pub const APIS_HANG: Act = Act {
    title: "all API servers hang",
    story: "requests are answered when it is over, all at once",
    strike: |stage, _| troubled(stage, Trouble::Hangs),
    mend: |stage, _| troubled(stage, Trouble::None),
    then: Then::Lasts(LONG),
};

/// The owner's API server takes 8 s for each request.
pub const API_SLOW: Act = Act {
    title: "its API server slow (8 s)",
    story: "those of the others are not",
    strike: |stage, node| trouble(stage, node, SLOW),
    mend: |stage, node| trouble(stage, node, Trouble::None),
    then: Then::Lasts(LONG),
};

/// The owner's API server answers 500.
pub const API_FAILS: Act = Act {
    title: "its API server answers 500",
    story: "those of the others do not",
    strike: |stage, node| trouble(stage, node, Trouble::Fails),
    mend: |stage, node| trouble(stage, node, Trouble::None),
    then: Then::Lasts(LONG),
};

/// The owner's API server lets requests hang, and then answers them late.
pub const API_HANGS: Act = Act {
    title: "its API server hangs",
    story: "those of the others do not",
    strike: |stage, node| trouble(stage, node, Trouble::Hangs),
    mend: |stage, node| trouble(stage, node, Trouble::None),
    then: Then::Lasts(LONG),
};

/// What the owner writes is written, and it never hears of it.
pub const ANSWERS_LOST: Act = Act {
    title: "answers to its writes lost",
    story: "the connection breaks after the request",
    strike: |stage, node| trouble(stage, node, Trouble::LosesAnswers),
    mend: |stage, node| trouble(stage, node, Trouble::None),
    then: Then::Lasts(Duration::from_secs(8)),
};

/// The store of all API servers answers nobody.
pub const STORE_FROZEN: Act = Act {
    title: "etcd without quorum (frozen)",
    story: "the members that make a quorum answer nothing",
    strike: |stage, _| stage.control_plane().freeze_store(),
    mend: |stage, _| stage.control_plane().thaw_store(),
    then: Then::Lasts(LONG),
};

/// The store of all API servers has lost its quorum.
pub const STORE_KILLED: Act = Act {
    title: "etcd without quorum (killed)",
    story: "the members that make a quorum are dead, and come back",
    strike: |stage, _| {
        stage.control_plane().kill_store();
        Ok(())
    },
    mend: |stage, _| stage.control_plane().restart_store(stage.world()),
    then: Then::Lasts(LONG),
};

/// Every processor is busy.
pub const OVERLOAD: Act = Act {
    title: "processors overloaded",
    story: "two busy loops on each processor",
    strike: |stage, _| stage.overload(),
    mend: |stage, _| {
        stage.relieve();
        Ok(())
    },
    then: Then::Lasts(Duration::from_secs(10)),
};

/// All daemons crash at once and are started again.
pub const RESTART: Act = Act {
    title: "all daemons restarted at once",
    story: "somebody rolls out a broken configuration, and the right one after it",
    strike: |stage, _| {
        for node in 0..stage.spec().nodes {
            super::on(stage, node, crate::net::Daemon::kill)?;
        }
        Ok(())
    },
    mend: |stage, _| (0..stage.spec().nodes).try_for_each(|node| stage.start(node)),
    then: Then::Lasts(Duration::from_millis(500)),
};

fn each(
    stage: &Stage,
    act: impl Fn(&Stage, usize) -> Result<(), StageError>,
) -> Result<(), StageError> {
    (0..stage.spec().nodes).try_for_each(|node| act(stage, node))
}

fn troubled(stage: &Stage, trouble: Trouble) -> Result<(), StageError> {
    each(stage, |stage, node| self::trouble(stage, node, trouble))
}

fn trouble(stage: &Stage, node: usize, trouble: Trouble) -> Result<(), StageError> {
    stage.control_plane().trouble(node, trouble);
    Ok(())
}
