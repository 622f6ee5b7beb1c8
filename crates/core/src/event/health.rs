//! How the API servers are.

use serde::{Deserialize, Serialize};

/// What came of one look at the API servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// This node's.
    pub local: Health,
    /// Whether any other one that is known accepts connections; asked only when the local one is
    /// [`Health::Accepts`] or [`Health::Refuses`]; none: not asked, or none is known.
    pub elsewhere: Option<bool>,
}

/// How one API server is. The texts say what is wrong, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// `/readyz` says ok.
    Ready,
    /// `/readyz` does not, but `/livez` does: its process is well, something behind it is not.
    Live(String),
    /// Its kernel accepts connections, but no answer makes sense, or comes in time.
    Accepts(String),
    /// There is no connection.
    Refuses(String),
}
