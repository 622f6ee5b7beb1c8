//! What it takes to give a running API server another certificate.

use std::time::Duration;

use super::{ControlPlane, ControlPlaneError, Program};
use crate::pki::{ClusterPki, Credential};

impl ControlPlane {
    /// Ends a program on a node as a service manager does: what still runs after `grace` is killed.
    ///
    /// # Errors
    /// When its process cannot be asked.
    pub fn end(
        &mut self,
        node: usize,
        program: Program,
        grace: Duration,
    ) -> Result<(), ControlPlaneError> {
        let name = self.recipe.members.get(node).map(|member| member.name.clone());
        let process = self.nodes.get_mut(node).map(|node| node.slot(program));
        if let Some(process) = process.and_then(Option::as_mut) {
            let failed = |source| ControlPlaneError::Process {
                program,
                node: name.unwrap_or_default(),
                source,
            };
            let ended = process.terminate().and_then(|()| process.wait(grace));
            ended.map_err(failed)?;
        }
        self.kill(node, program);
        Ok(())
    }

    /// Gives the API server on a node a new certificate, for the node itself and `names`, which it
    /// serves when it is started again.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn certify(
        &self,
        node: usize,
        pki: &ClusterPki,
        names: &[String],
    ) -> Result<Credential, ControlPlaneError> {
        self.recipe.certify(node, pki, names)
    }
}
