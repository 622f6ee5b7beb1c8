//! What the sample node publishes.

use jiff::Timestamp;
use kube_vip::metrics::Release;
use kube_vip::published::Published;
use kube_vip_core::address::{Mac, NodeName};
use kube_vip_core::event::{Fence, Voice};
use kube_vip_core::moment::Moment;
use kube_vip_core::status::{
    ApiStatus, CandidateStatus, FitnessStatus, LeaseStatus, Reason, RivalStatus, Status, Term,
    VipStatus,
};

use super::sample::{at, plan, vip};

pub(crate) const RELEASE: Release = Release { version: "v1.0.0", build: "4a6c1d9" };

/// This node holds.
pub(crate) fn holding() -> Published {
    let term = Term { epoch: 2, since: at(3_600_000), until: at(3_737_150) };
    Published {
        status: Status {
            node: plan().node,
            reason: Reason::Elected,
            lease: lease("cp-1", at(3_722_150)),
            term: Some(term),
            vips: vec![VipStatus { vip: vip(), present: true, voice: Some(Voice::Answering) }],
            fence: Fence::Ready,
            fitness: FitnessStatus { fit: true, cordoned: false, api_server: None },
            holding_on: None,
            handing_over: None,
            candidates: vec![
                candidate("cp-2", at(3_716_900)),
                CandidateStatus { cordoned: true, ..candidate("cp-3", at(3_719_250)) },
            ],
            rival: None,
            api: ApiStatus { answered: Some(at(3_722_410)), failing_since: None, error: None },
        },
        at: at(3_722_410),
    }
}

/// Another node holds, and the API server does not answer this one.
pub(crate) fn standing_by() -> Published {
    let mut published = holding();
    published.status.reason = Reason::OtherHolds;
    published.status.lease = lease("cp-2", at(3_689_150));
    published.status.term = None;
    published.status.vips[0].present = false;
    published.status.vips[0].voice = None;
    published.status.fence = Fence::Missing("no netdev egress hook (Linux 5.16)".to_owned());
    let cause = "connection refused (https://127.0.0.1:6443)".to_owned();
    published.status.fitness =
        FitnessStatus { fit: false, cordoned: false, api_server: Some(cause) };
    published.status.api = ApiStatus {
        answered: Some(at(3_690_000)),
        failing_since: Some(at(3_692_000)),
        error: Some("connection refused (https://127.0.0.1:6443)".to_owned()),
    };
    published
}

/// This node goes on without a term, and hears somebody else.
pub(crate) fn holding_on() -> Published {
    let mut published = standing_by();
    published.status.reason = Reason::HoldingOn;
    published.status.lease = lease("cp-1", at(3_689_150));
    published.status.holding_on = Some(at(3_704_150));
    published.status.vips[0].present = true;
    published.status.vips[0].voice = Some(Voice::Answering);
    published.status.fence = Fence::Ready;
    published.status.rival = Some(RivalStatus {
        address: vip().address(),
        mac: Mac([0x02, 0x42, 0xac, 0x11, 0x00, 0x09]),
        node: None,
        heard: at(3_720_000),
    });
    published
}

fn candidate(node: &str, seen: Moment) -> CandidateStatus {
    let node = NodeName::new(node).expect("a name");
    CandidateStatus { node, fit: true, cordoned: false, seen }
}

fn lease(holder: &str, seen: Moment) -> LeaseStatus {
    let acquired: Timestamp = "2026-11-22T21:30:25.748211Z".parse().expect("a timestamp");
    LeaseStatus {
        holder: Some(holder.to_owned()),
        acquired: Some(acquired.as_microsecond()),
        transitions: 7,
        seen: Some(seen),
    }
}
