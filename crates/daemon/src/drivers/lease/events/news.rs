//! What Kubernetes Events say of notices: the moves of the addresses, conflicts and refusals.

use kube_vip_core::address::NodeName;
use kube_vip_core::event::Fence;
use kube_vip_core::plan::Plan;
use kube_vip_core::status::{Notice, Reason};

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Normal,
    Warning,
}

impl Severity {
    /// The Event's `type`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// What an Event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) severity: Severity,
    /// One word for programs.
    pub(super) reason: &'static str,
    /// One sentence for people.
    pub(super) message: String,
}

fn normal(reason: &'static str, message: String) -> Option<News> {
    Some(News { severity: Severity::Normal, reason, message })
}

fn warning(reason: &'static str, message: String) -> Option<News> {
    Some(News { severity: Severity::Warning, reason, message })
}

/// What to say of a notice; none: nothing, it is for the log alone. `before` is the last holder
/// that is known by name.
pub(super) fn news(notice: &Notice, plan: &Plan, before: Option<&str>) -> Option<News> {
    let node = &plan.node;
    let all: Vec<_> = plan.vips.iter().map(|vip| vip.address().to_string()).collect();
    let vips = all.join(", ");
    match notice {
        Notice::HolderChanged { from, to } if to.as_deref() == Some(node.as_str()) => {
            let now = match from.as_deref().or(before) {
                Some(before) if before == node.as_str() => "again".to_owned(),
                before => format!("now, before it {}", before.unwrap_or("nobody")),
            };
            normal("HolderChanged", format!("{node} holds {vips} {now}"))
        }
        Notice::Offered { to, why } => {
            normal("HandingOver", format!("{node} asks {to} to take {vips} over: {why}"))
        }
        Notice::HandedOver { to } => {
            let to = to.as_ref().map_or("another node", NodeName::as_str);
            normal("HandedOver", format!("{node} handed {vips} over to {to}"))
        }
        Notice::NotHandedOver { cause } => {
            warning("NotHandedOver", format!("{node} keeps {vips}: {cause}"))
        }
        Notice::TermEnded { reason } => ended(*reason, node, &vips),
        Notice::HoldingOn { cause } => warning(
            "HoldingOn",
            format!("{node} keeps {vips} past its term, as the API is away for all: {cause}"),
        ),
        Notice::HeldOn { end, .. } => {
            normal("HeldOn", format!("{node} no longer keeps {vips} past its term: {end}"))
        }
        Notice::RenewalFailing { cause, .. } => warning(
            "RenewalFailing",
            format!("{node} holds {vips} and cannot renew the Lease: {cause}"),
        ),
        other => trouble(other, node),
    }
}

/// What is wrong with one node, or no longer wrong.
fn trouble(notice: &Notice, node: &NodeName) -> Option<News> {
    match notice {
        Notice::FitnessChanged { fit: false, cause } => {
            warning("Unfit", format!("the API server of {node} is unwell: {cause}"))
        }
        Notice::FitnessChanged { fit: true, .. } => {
            normal("Fit", format!("the API server of {node} is well again"))
        }
        Notice::Rival { address, mac, node: rival } => {
            let who = rival.as_ref().map_or("no node of the election", NodeName::as_str);
            let message = format!("{node} hears {mac} ({who}) speak for {address}");
            warning("AddressConflict", message)
        }
        Notice::RivalGone { address, mac } => {
            normal("AddressConflictOver", format!("{node} no longer hears {mac} for {address}"))
        }
        Notice::Twin { boot } => warning(
            "Twin",
            format!("another host (boot {boot}) renews the Lease in the name of {node}"),
        ),
        Notice::AddressLost(vip) => {
            warning("AddressLost", format!("somebody removed {vip} from {node}; it is put back"))
        }
        Notice::Leftover(held) => {
            let message = format!("{node} had {} on {} without a term", held.vip, held.link);
            warning("Leftover", message)
        }
        Notice::KernelRefused { address, cause } => {
            warning("KernelRefused", format!("the kernel of {node} refused {address}: {cause}"))
        }
        Notice::LinkChanged { up: false } => {
            warning("LinkDown", format!("the interface of {node} is down or absent"))
        }
        Notice::FenceChanged(Fence::Missing(what)) => {
            warning("FenceMissing", format!("the kernel of {node} cannot fence addresses: {what}"))
        }
        _ => None,
    }
}

/// The end of a term that nothing else tells of.
fn ended(reason: Reason, node: &NodeName, vips: &str) -> Option<News> {
    let message = format!("{node} let go of {vips}: {reason}");
    match reason {
        Reason::HandingOver => None,
        Reason::ShuttingDown => normal("TermEnded", message),
        _ => warning("TermEnded", message),
    }
}
