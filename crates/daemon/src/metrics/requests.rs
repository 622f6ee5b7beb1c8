//! How long the API server takes to answer, by what was asked and what came of it.

use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, Registry};

use super::register;

/// Upper bounds in seconds. The last ones are about what a request may take by the default times
/// of the election.
const BUCKETS: [f64; 8] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is asked of an API server, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// One object.
    Get,
    /// All objects that a selector takes.
    List,
    /// Their changes; until the server begins to tell.
    Watch,
    /// A new object.
    Create,
    /// A whole object in the place of another.
    Update,
    /// Part of an object.
    Patch,
    /// An object is to go.
    Delete,
}

impl Verb {
    /// The word, as in the rules of an RBAC Role.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Ok,
    /// The server refused it, or knew better: a status of 400 to 499.
    ClientError,
    /// The server could not: any other status.
    ServerError,
    /// No server could be reached, or none answered to the end.
    NoAnswer,
    /// It was given up: whoever asked waited no longer.
    GivenUp,
}

impl Outcome {
    /// One word for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::NoAnswer => "no_answer",
            Self::GivenUp => "given_up",
        }
    }
}

/// The requests of one process. Clones count together.
#[derive(Clone, Debug)]
pub struct Requests {
    took: HistogramVec,
}

impl Default for Requests {
    fn default() -> Self {
        let options = HistogramOpts::new(
            "kube_vip_api_request_duration_seconds",
            "How long this node's requests to the API server took, by verb and outcome; a watch \
             until it began",
        );
        let made = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["verb", "outcome"]);
        Self { took: made.expect("constant names, labels and buckets are valid") }
    }
}

impl Requests {
    /// A request begins.
    #[must_use]
    pub fn begin(&self, verb: Verb) -> Begun<'_> {
        Begun { requests: self, verb, at: Instant::now(), outcome: Some(Outcome::GivenUp) }
    }

    /// How many requests have ended so.
    #[must_use]
    pub fn count(&self, verb: Verb, outcome: Outcome) -> u64 {
        self.took.with_label_values(&[verb.name(), outcome.name()]).get_sample_count()
    }

    /// Counts a request that took so many seconds.
    pub fn took(&self, verb: Verb, outcome: Outcome, seconds: f64) {
        self.took.with_label_values(&[verb.name(), outcome.name()]).observe(seconds);
    }

    pub(super) fn shown_in(&self, registry: &Registry) {
        register(registry, Ok(self.took.clone()));
    }
}

/// A request that goes on. Dropped before its end, it was given up.
#[derive(Debug)]
pub struct Begun<'a> {
    requests: &'a Requests,
    verb: Verb,
    at: Instant,
    outcome: Option<Outcome>,
}

impl Begun<'_> {
    /// It has ended; none: nothing was sent at all, and nothing is counted.
    pub fn end(mut self, outcome: Option<Outcome>) {
        self.outcome = outcome;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome {
            self.requests.took(self.verb, outcome, self.at.elapsed().as_secs_f64());
        }
    }
}
