//! A recording of a stage, with its client.

use std::net::SocketAddr;
use std::time::Duration;

use super::{PORT, Stage, StageError};
use crate::client::{Client, ClientReport, ClientSpec};
use crate::recorder::{Journal, Recorder, RecorderSpec, Recording, Words};
use crate::sys::clock::Stamp;

/// A recording under way, with its client.
#[derive(Debug)]
pub struct Take {
    recorder: Recorder,
    /// Of the addresses after the first.
    others: Vec<Recorder>,
    words: Option<Words>,
    client: Client,
}

/// A finished recording, and what the client saw.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The wire and the kernels.
    pub recording: Recording,
    /// The same of the addresses after the first: who held and answered, under the same faults.
    pub others: Vec<Recording>,
    /// The client.
    pub client: ClientReport,
}

impl Stage {
    /// Starts to record, and the client.
    ///
    /// # Errors
    /// If the kernel refuses a socket.
    pub fn record(&self) -> Result<Take, StageError> {
        let recorder = self.recorder()?;
        // Without the Lease there is nothing to compare their words with.
        let known = self.control_plane.tell_holder();
        let words =
            known.then(|| Words::listen(&self.world, RecorderSpec::of(self.address()).at_most));
        let words = words.transpose()?;
        let others = self.spec.addresses.iter().skip(1).map(|address| {
            let journal = Journal::default();
            Recorder::start_apart(&self.world, &RecorderSpec::of(*address), &journal)
        });
        let others = others.collect::<Result<_, _>>()?;
        let service = SocketAddr::new(self.address(), PORT);
        let client = Client::start(&self.world, &ClientSpec::of(service))?;
        Ok(Take { recorder, others, words, client })
    }
}

impl Take {
    /// When the recording started.
    #[must_use]
    pub const fn started(&self) -> Stamp {
        self.recorder.started()
    }

    /// The client, for what it sees just now.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// If a part of it failed; then it has holes.
    pub fn stop(self) -> Result<Taken, StageError> {
        let client = self.client.stop()?;
        self.words.map_or(Ok(()), Words::stop)?;
        let began = self.recorder.started();
        let mut others = Vec::new();
        for recorder in self.others {
            let later = recorder.started().since(began);
            others.push((recorder.stop()?, later));
        }
        let mut recording = self.recorder.stop()?;
        recording.timeline.leave_out_explained();
        let with_faults = |(mut other, later): (Recording, Duration)| {
            other.timeline.share(&recording.timeline, later);
            other
        };
        let others = others.into_iter().map(with_faults).collect();
        Ok(Taken { recording, others, client })
    }
}
