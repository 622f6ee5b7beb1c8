//! How this node is, and whether the others can know.

use tracing::{info, warn};

use super::Teller;

impl Teller<'_> {
    pub(super) fn well(&self, cause: &str) {
        let before = (!cause.is_empty()).then_some(cause);
        info!(
            node = %self.plan.node, before,
            "the API server of this node is well again; the addresses may move to this node"
        );
    }

    pub(super) fn unwell(&self, cause: &str) {
        warn!(
            node = %self.plan.node, cause,
            "the API server of this node is unwell; if this node holds the addresses, it gives \
             them to a node whose API server is well as soon as there is one"
        );
    }

    pub(super) fn cordoned(&self) {
        info!(
            node = %self.plan.node,
            "this node is cordoned; if it holds the addresses, it gives them to a node that is \
             well and not cordoned as soon as there is one"
        );
    }

    pub(super) fn uncordoned(&self) {
        info!(
            node = %self.plan.node,
            "this node is not cordoned; the addresses stay where they are"
        );
    }

    pub(super) fn not_registered(&self, cause: &str) {
        warn!(
            lease = format!("{}-{}", self.lease(), self.plan.node),
            cause,
            "this node cannot tell the others that it is there: no addresses are handed to it \
             before their holder has lost them; trying on (on 'forbidden': apply the role of this \
             version)"
        );
    }
}
