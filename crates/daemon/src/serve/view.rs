//! The status as people and programs read it: `/status`. Its names and meanings are an interface;
//! docs/reference/status.md describes them.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use kube_vip_core::address::Mac;
use kube_vip_core::event::{Fence, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::{
    ApiStatus, CandidateStatus, LeaseStatus, Reason, RivalStatus, Term, VipStatus,
};
use serde::Serialize;

use crate::clock::Wall;
use crate::metrics::Release;
use crate::published::Published;

/// Everything about this node's part in the election.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// This node.
    pub node: String,
    /// This node is entitled to the addresses now, or keeps them while the API is away for all.
    pub holding: bool,
    /// Why it holds or does not, in one word.
    pub reason: &'static str,
    /// The same for people.
    pub message: String,
    /// Who holds the Lease, as last seen; none: nobody, or nothing is known yet.
    pub holder: Option<HolderView>,
    /// What this node holds by; none: it does not hold.
    pub term: Option<TermView>,
    /// It keeps the addresses without a term, because the API is away for all; none: it does not.
    pub holding_on: Option<HoldingOnView>,
    /// To which node it is handing the addresses over.
    pub handing_over: Option<String>,
    /// The addresses of the plan.
    pub addresses: Vec<AddressView>,
    /// Whether the kernel silences the addresses by itself when nobody renews them.
    pub fence: FenceView,
    /// How this node is, as the others are told.
    pub fitness: FitnessView,
    /// The other nodes of the election that say of themselves that they are there.
    pub candidates: Vec<CandidateView>,
    /// Somebody else who was heard speaking for an address.
    pub rival: Option<RivalView>,
    /// The Lease that elects.
    pub lease: LeaseView,
    /// How the API server answers this node.
    pub api: ApiView,
    /// When the control loop last reported; what stands above is as of then.
    pub reported_at: String,
    /// This program's version.
    pub version: &'static str,
    /// This program's build.
    pub build: &'static str,
    /// When this process started.
    pub started_at: String,
    /// For how long it has been running.
    pub uptime_seconds: f64,
}

/// The Lease's holder.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HolderView {
    /// Its name, as in `holderIdentity`.
    pub node: String,
    /// The Lease's `acquireTime`, by the holder's own clock.
    pub since: Option<String>,
}

/// A period of entitlement of this node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TermView {
    /// Which term of this process.
    pub epoch: u64,
    /// When it began.
    pub since: String,
    /// When it ends, unless it is renewed.
    pub until: String,
    /// How long that is from now.
    pub seconds_left: f64,
}

/// One address.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressView {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// The interface for it.
    pub interface: String,
    /// The kernel of this node has it.
    pub present: bool,
    /// What the fence lets it do; none: nothing fences it.
    pub voice: Option<Voice>,
}

/// Keeping the addresses without a term.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldingOnView {
    /// Since when.
    pub since: String,
    /// For how long.
    pub seconds: f64,
}

/// What silences the addresses.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FenceView {
    /// `Ready`, `Missing` or `Unknown`.
    pub state: &'static str,
    /// What the kernel lacks.
    pub missing: Option<String>,
}

/// How this node is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FitnessView {
    /// It may be handed the addresses.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// What is wrong with its API server.
    pub api_server: Option<String>,
}

/// Another node of the election.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// Which.
    pub node: String,
    /// It may be handed the addresses.
    pub fit: bool,
    /// Its Node is cordoned.
    pub cordoned: bool,
    /// When this node last saw it renew.
    pub seen_at: String,
    /// How long ago that was.
    pub seconds_since_seen: f64,
}

/// Somebody else who speaks for an address.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RivalView {
    /// For which.
    pub address: IpAddr,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its name, if it is known as a node of the election.
    pub node: Option<String>,
    /// When it was last heard.
    pub heard_at: String,
    /// How long ago that was.
    pub seconds_since_heard: f64,
}

/// The Lease.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its `leaseTransitions`.
    pub transitions: u32,
    /// When this node last saw it change.
    pub seen_at: Option<String>,
}

/// The API server, as this node sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiView {
    /// The last request was answered well.
    pub answering: bool,
    /// The last good answer.
    pub answered_at: Option<String>,
    /// How long ago that was.
    pub seconds_since_answer: Option<f64>,
    /// Since when requests have failed.
    pub failing_since: Option<String>,
    /// The last failure since then.
    pub error: Option<String>,
}

impl View {
    /// The view at the reading of `wall`.
    #[must_use]
    pub fn new(published: &Published, plan: &Plan, release: Release, wall: Wall) -> Self {
        let status = &published.status;
        let term = published.term(wall.now());
        let holding_on = published.holding_on(wall.now());
        let reason = match status.reason {
            // The loop has not noticed yet, or hangs.
            Reason::Elected if term.is_none() => Reason::TermOver,
            Reason::HoldingOn if holding_on.is_none() => Reason::TermOver,
            reason => reason,
        };
        Self {
            node: status.node.to_string(),
            holding: published.holds(wall.now()),
            reason: reason.name(),
            message: reason.to_string(),
            holder: holder(&status.lease),
            term: term.map(|term| view_term(term, wall)),
            holding_on: holding_on
                .map(|since| HoldingOnView { since: time(wall, since), seconds: ago(wall, since) }),
            handing_over: status.handing_over.as_ref().map(ToString::to_string),
            addresses: status.vips.iter().map(|vip| address(vip, plan)).collect(),
            fence: fence(&status.fence),
            fitness: FitnessView {
                fit: status.fitness.fit,
                cordoned: status.fitness.cordoned,
                api_server: status.fitness.api_server.clone(),
            },
            candidates: status.candidates.iter().map(|other| candidate(other, wall)).collect(),
            rival: status.rival.as_ref().map(|rival| view_rival(rival, wall)),
            lease: LeaseView {
                namespace: plan.lease.namespace.clone(),
                name: plan.lease.name.clone(),
                transitions: status.lease.transitions,
                seen_at: status.lease.seen.map(|seen| time(wall, seen)),
            },
            api: api(&status.api, wall),
            reported_at: time(wall, published.at),
            version: release.version,
            build: release.build,
            started_at: time(wall, Moment::START),
            uptime_seconds: seconds(wall.now().since_start()),
        }
    }

    /// Indented JSON with a line feed at its end.
    ///
    /// # Errors
    /// None that is known: every part of it has a form in JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn holder(lease: &LeaseStatus) -> Option<HolderView> {
    let acquired = lease.acquired.and_then(|at| Timestamp::from_microsecond(at).ok());
    Some(HolderView { node: lease.holder.clone()?, since: acquired.map(|at| format!("{at:.6}")) })
}

fn view_term(term: Term, wall: Wall) -> TermView {
    TermView {
        epoch: term.epoch,
        since: time(wall, term.since),
        until: time(wall, term.until),
        seconds_left: seconds(term.until.since(wall.now())),
    }
}

fn address(vip: &VipStatus, plan: &Plan) -> AddressView {
    AddressView {
        address: vip.vip.address(),
        prefix: vip.vip.prefix(),
        interface: plan.link.to_string(),
        present: vip.present,
        voice: vip.voice,
    }
}

fn fence(fence: &Fence) -> FenceView {
    let (state, missing) = match fence {
        Fence::Ready => ("Ready", None),
        Fence::Missing(what) => ("Missing", Some(what.clone())),
        Fence::Unknown => ("Unknown", None),
    };
    FenceView { state, missing }
}

fn candidate(other: &CandidateStatus, wall: Wall) -> CandidateView {
    CandidateView {
        node: other.node.to_string(),
        fit: other.fit,
        cordoned: other.cordoned,
        seen_at: time(wall, other.seen),
        seconds_since_seen: ago(wall, other.seen),
    }
}

fn view_rival(rival: &RivalStatus, wall: Wall) -> RivalView {
    RivalView {
        address: rival.address,
        mac: rival.mac,
        node: rival.node.as_ref().map(ToString::to_string),
        heard_at: time(wall, rival.heard),
        seconds_since_heard: ago(wall, rival.heard),
    }
}

fn api(api: &ApiStatus, wall: Wall) -> ApiView {
    ApiView {
        answering: api.answered.is_some() && api.failing_since.is_none(),
        answered_at: api.answered.map(|at| time(wall, at)),
        seconds_since_answer: api.answered.map(|at| ago(wall, at)),
        failing_since: api.failing_since.map(|at| time(wall, at)),
        error: api.error.clone(),
    }
}

/// RFC 3339, to the millisecond.
fn time(wall: Wall, moment: Moment) -> String {
    format!("{:.3}", wall.time_of(moment))
}

/// The seconds since a moment.
fn ago(wall: Wall, moment: Moment) -> f64 {
    seconds(wall.now().since(moment))
}

/// Seconds, to the millisecond.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}
