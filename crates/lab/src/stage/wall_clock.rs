//! Wall clocks of the daemons' own, which somebody can set: with that of the machine everything
//! else on it would be set as well, and time namespaces do not cover it.
//!
//! libfaketime adds what a file says to the wall clock of a program; a static program takes no
//! notice of it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Stage, StageError};
use crate::timeline::{Fault, What};

impl Stage {
    /// What makes the daemon of a node read its wall clock through the stage's file, if the stage
    /// has such clocks.
    pub(super) fn wall_clock(&self, node: usize) -> Vec<(OsString, OsString)> {
        let Some(library) = &self.spec.wall_clocks else { return Vec::new() };
        vec![
            ("LD_PRELOAD".into(), library.into()),
            ("FAKETIME_TIMESTAMP_FILE".into(), self.wall_clock_file(node).into()),
            // Read at each look at the clock.
            ("FAKETIME_NO_CACHE".into(), "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
            ("NO_FAKE_STAT".into(), "1".into()),
        ]
    }

    /// Somebody sets the wall clock of a node's daemon: so many seconds ahead of the true time.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_wall_clock(&self, node: usize, ahead: i64) -> Result<(), StageError> {
        let path = self.wall_clock_file(node);
        self.world.journal().note_now(What::Fault(Fault::WallStepped(node)));
        // Renamed: the daemon must not read half of it.
        let new = path.with_extension("new");
        let written = std::fs::write(&new, format!("{ahead:+}\n"));
        let written = written.and_then(|()| std::fs::rename(&new, &path));
        written.map_err(|source| StageError::File { path, source })
    }

    fn wall_clock_file(&self, node: usize) -> PathBuf {
        self.spec.directory.join(format!("{}.clock", self.world.node(node).name()))
    }
}
