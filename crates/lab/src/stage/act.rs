//! What is done to the owner, or to all.

mod calm;
mod meddling;

use std::time::Duration;

use super::{Stage, StageError};
use crate::net::Daemon;

pub use self::calm::{
    ANSWERS_LOST, API_FAILS, API_HANGS, API_SLOW, APIS_FAIL, APIS_HANG, APIS_SLOW, OVERLOAD,
    RESTART, STORE_FROZEN, STORE_KILLED, apis_frozen,
};
pub use self::meddling::{
    ADDRESS_DELETED, FLUSHED, LEASE_ANNOTATED, LEASE_DELETED, LEASE_RESTORED, STRANGER,
    TABLES_DELETED, WALL_CLOCK_AHEAD, WALL_CLOCK_RIGHT,
};

/// Something that happens to the owner or to all nodes, and its end.
#[derive(Clone, Copy)]
pub struct Act {
    /// In a few words.
    pub title: &'static str,
    /// What it stands for.
    pub story: &'static str,
    /// Strikes, given who owns the address.
    pub strike: fn(&mut Stage, usize) -> Result<(), StageError>,
    /// Ends it.
    pub mend: fn(&mut Stage, usize) -> Result<(), StageError>,
    /// What is waited for in between.
    pub then: Then,
}

/// What is waited for before an act is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Another node answers.
    Moves,
    /// This time is over, whoever answers.
    Lasts(Duration),
}

/// An orderly end.
pub const STOP: Act = Act {
    title: "planned stop (SIGTERM)",
    story: "an upgrade; the kubelet starts the daemon again",
    strike: Stage::stop,
    mend: Stage::start,
    then: Then::Moves,
};

/// A crash of the daemon alone.
pub const KILL: Act = Act {
    title: "daemon killed (SIGKILL)",
    story: "out of memory; nothing of it runs any more, its host lives on",
    strike: Stage::kill,
    mend: Stage::start,
    then: Then::Moves,
};

/// The same in a pod. Whoever holds goes on holding if its kubelet is quick.
pub const CRASH: Act = Act {
    title: "daemon killed (SIGKILL), restarted by its kubelet",
    story: "out of memory; its container starts again",
    then: Then::Lasts(Duration::from_secs(6)),
    ..KILL
};

/// A daemon that hangs.
pub const FREEZE: Act = Act {
    title: "daemon frozen (SIGSTOP)",
    story: "it hangs, and wakes up when another holds already",
    strike: |stage, node| on(stage, node, Daemon::freeze),
    mend: |stage, node| on(stage, node, Daemon::thaw),
    then: Then::Moves,
};

/// A host that is gone for the others, and does not know it.
pub const CUT: Act = Act {
    title: "host cut off (switch port)",
    story: "its link stays up, nothing passes; later it comes back",
    strike: |stage, node| stage.cut(node),
    mend: |stage, node| stage.heal(node),
    then: Then::Moves,
};

/// A host without carrier.
pub const UNPLUG: Act = Act {
    title: "cable pulled",
    story: "it loses its carrier, and gets it back",
    strike: |stage, node| stage.unplug(node),
    mend: |stage, node| stage.plug(node),
    then: Then::Moves,
};

/// The owner's API server dies; its daemon and its host live on.
pub const API_KILL: Act = Act {
    title: "its API server killed",
    story: "what an upgrade of the API server does to the node that holds",
    strike: |stage, node| {
        stage.control_plane().kill(node);
        Ok(())
    },
    mend: |stage, node| stage.control_plane().restart(stage.world(), node),
    then: Then::Moves,
};

/// The owner's API server accepts connections and answers nothing.
pub const API_FREEZE: Act = Act {
    title: "its API server frozen",
    story: "it accepts connections, and answers nothing",
    strike: |stage, node| stage.control_plane().freeze(node),
    mend: |stage, node| stage.control_plane().thaw(node),
    then: Then::Moves,
};

/// A host that can be heard and hears nothing.
pub const DEAF: Act = Act {
    title: "hears nothing (switch port)",
    story: "one-way loss: what it sends is passed, nothing comes to it",
    strike: |stage, node| stage.deafen(node),
    mend: |stage, node| stage.undeafen(node),
    then: Then::Moves,
};

/// A host that hears and cannot be heard.
pub const MUTE: Act = Act {
    title: "is not heard (switch port)",
    story: "one-way loss: everything comes to it, nothing that it sends is passed",
    strike: |stage, node| stage.mute(node),
    mend: |stage, node| stage.unmute(node),
    then: Then::Moves,
};

/// The segment falls apart; on the owner's side there is somebody besides it.
pub const SPLIT: Act = Act {
    title: "segment split and joined",
    story: "between two switches nothing passes; no link notices, also not when it does again",
    strike: |stage, node| stage.split(node),
    mend: |stage, node| stage.join(node),
    then: Then::Moves,
};

/// The owner's Node is cordoned.
pub const DRAIN: Act = Act {
    title: "drain (Node cordoned)",
    story: "somebody is about to work on the host",
    strike: |stage, node| stage.cordon(node),
    mend: |stage, node| stage.uncordon(node),
    then: Then::Moves,
};

/// Somebody asks for the address to move.
pub const MOVE: Act = Act {
    title: "kube-vip move",
    story: "somebody wants it on another node",
    strike: |stage, node| {
        let to = (node + 1) % stage.spec().nodes;
        stage.ask_to_move(node, to)
    },
    mend: |_, _| Ok(()),
    then: Then::Moves,
};

/// All nodes lose their power and boot together.
pub const REBOOT: Act = Act {
    title: "all nodes rebooted at once",
    story: "a power cut: no API, no store and no daemon, and then all of them at once",
    strike: |stage, _| stage.power_off(),
    mend: |stage, _| stage.power_on(),
    then: Then::Lasts(Duration::from_secs(1)),
};

fn on(
    stage: &Stage,
    node: usize,
    act: impl FnOnce(&Daemon) -> Result<(), crate::net::Error>,
) -> Result<(), StageError> {
    Ok(stage.daemon(node).map_or(Ok(()), act)?)
}
