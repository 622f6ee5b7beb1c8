//! What a request's path and query speak of.

use std::time::Duration;

use super::failure::{Failure, Fault};
use super::kind::{Kind, Part, is_label_value};
use super::store::Selection;

/// The namespace, name and part in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The namespace, if one is named.
    pub(crate) namespace: Option<String>,
    /// The object, if one is named.
    pub(crate) name: Option<String>,
    /// The object as such, or its subresource.
    pub(crate) part: Part,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/healthz`, `/livez`, `/readyz`, by name.
    Health(&'static str),
    /// `/version`.
    Version,
    /// Leases.
    Leases(Address),
    /// Nodes.
    Nodes(Address),
    /// Events.
    Events(Address),
    /// EndpointSlices.
    Slices(Address),
    /// Nothing.
    Unknown,
}

impl Route {
    /// Finds out where a path leads.
    pub(crate) fn of(path: &str) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let address = |namespace: Option<&str>, name: Option<&str>, part| Address {
            namespace: namespace.map(ToOwned::to_owned),
            name: name.map(ToOwned::to_owned),
            part,
        };
        match parts.as_slice() {
            ["healthz"] => Self::Health("healthz"),
            ["livez"] => Self::Health("livez"),
            ["readyz"] => Self::Health("readyz"),
            ["version"] => Self::Version,
            ["apis", "coordination.k8s.io", "v1", rest @ ..] => match *rest {
                ["leases"] => Self::Leases(address(None, None, Part::Whole)),
                ["namespaces", namespace, "leases"] => {
                    Self::Leases(address(Some(namespace), None, Part::Whole))
                }
                ["namespaces", namespace, "leases", name] => {
                    Self::Leases(address(Some(namespace), Some(name), Part::Whole))
                }
                _ => Self::Unknown,
            },
            ["api", "v1", "namespaces", namespace, "events"] => {
                Self::Events(address(Some(namespace), None, Part::Whole))
            }
            ["api", "v1", "namespaces", namespace, "events", name] => {
                Self::Events(address(Some(namespace), Some(name), Part::Whole))
            }
            ["apis", "discovery.k8s.io", "v1", "namespaces", namespace, "endpointslices"] => {
                Self::Slices(address(Some(namespace), None, Part::Whole))
            }
            ["apis", "discovery.k8s.io", "v1", "namespaces", namespace, "endpointslices", name] => {
                Self::Slices(address(Some(namespace), Some(name), Part::Whole))
            }
            ["api", "v1", "nodes"] => Self::Nodes(address(None, None, Part::Whole)),
            ["api", "v1", "nodes", name] => Self::Nodes(address(None, Some(name), Part::Whole)),
            ["api", "v1", "nodes", name, "status"] => {
                Self::Nodes(address(None, Some(name), Part::Status))
            }
            _ => Self::Unknown,
        }
    }
}

/// A query string, parsed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses it; no query is an empty one.
    pub(crate) fn of(text: Option<&str>) -> Self {
        Self(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of this name that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = &self.0.iter().find(|(key, _)| key == name)?.1;
        (!value.is_empty()).then_some(value)
    }

    /// Go's reading of a boolean parameter: anything but `false` and `0` is yes.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let value = &self.0.iter().find(|(key, _)| key == name)?.1;
        Some(!(value.eq_ignore_ascii_case("false") || value == "0"))
    }

    /// The name that the field selector asks for, if it asks for one and nothing else.
    pub(crate) fn selected_name(&self) -> Option<String> {
        let value = self.get("fieldSelector")?.strip_prefix("metadata.name=")?;
        let name = value.strip_prefix('=').unwrap_or(value);
        (!name.contains(',')).then(|| name.to_owned())
    }

    /// Refuses parameters that change what a request means and are not offered here.
    pub(crate) fn refuse(&self, names: &[&str]) -> Result<(), Failure> {
        match names.iter().find(|&&name| self.get(name).is_some()) {
            Some(name) => {
                Err(Failure::bad_request(format!("{name} is not supported by this API server")))
            }
            None => Ok(()),
        }
    }

    /// The version that a read asks for; none where any or the latest will do.
    pub(crate) fn version(&self) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get("resourceVersion").filter(|&text| text != "0") else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| Failure::no_version(text))
    }
}

/// What a list or watch asks for.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions {
    /// Which objects.
    pub(crate) selection: Selection,
    /// From which version on (watch), or not older than it (list).
    pub(crate) version: Option<u64>,
    /// Whether to send bookmarks.
    pub(crate) bookmarks: bool,
    /// Whether the state so far comes first, with a bookmark at its end; none: as of old.
    pub(crate) initial: Option<bool>,
    /// How long the watch lives.
    pub(crate) timeout: Duration,
}

/// How long a watch lives when the client does not say (a real server: 30 to 60 minutes).
const WATCH_TIMEOUT: Duration = Duration::from_secs(30 * 60);

impl ListOptions {
    /// Reads them from a query.
    pub(crate) fn of<K: Kind>(query: &Query, address: &Address) -> Result<Self, Failure> {
        query.refuse(&["continue"])?;
        let watch = query.flag("watch") == Some(true);
        let initial = query.flag("sendInitialEvents");
        check_match(query, watch, initial)?;
        let timeout = match query.get("timeoutSeconds").map(str::parse).transpose() {
            Ok(None | Some(0)) => WATCH_TIMEOUT,
            Ok(Some(seconds)) => Duration::from_secs(seconds),
            Err(_) => return Err(Failure::bad_request("timeoutSeconds is not a number")),
        };
        Ok(Self {
            selection: selection::<K>(query, address)?,
            version: query.version()?,
            bookmarks: query.flag("allowWatchBookmarks") == Some(true),
            initial,
            timeout,
        })
    }
}

/// The rules for `resourceVersionMatch` and `sendInitialEvents`.
fn check_match(query: &Query, watch: bool, initial: Option<bool>) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let mut forbid = |field: &str, why: &str| {
        faults.push(Fault::Forbidden { field: field.into(), why: why.into() });
    };
    let matching = query.get("resourceVersionMatch");
    if watch && initial.is_some() && matching != Some("NotOlderThan") {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        forbid("resourceVersionMatch", why);
    }
    if watch && initial.is_none() && matching.is_some() {
        let why =
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        forbid("resourceVersionMatch", why);
    }
    if !watch && initial.is_some() {
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if !watch && matching.is_some() && query.get("resourceVersion").is_none() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        forbid("resourceVersionMatch", why);
    }
    if !faults.is_empty() {
        return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", faults));
    }
    match matching {
        Some(other) if other != "NotOlderThan" => Err(Failure::bad_request(format!(
            "resourceVersionMatch={other} is not supported by this API server"
        ))),
        _ => Ok(()),
    }
}

fn selection<K: Kind>(query: &Query, address: &Address) -> Result<Selection, Failure> {
    let mut selection = Selection {
        namespace: address.namespace.clone(),
        name: address.name.clone(),
        labels: labels(query)?,
        fields: Vec::new(),
    };
    for term in query.get("fieldSelector").unwrap_or_default().split(',') {
        if term.is_empty() {
            continue;
        }
        let equal = |term: &str| {
            let (field, value) = term.split_once("==").or_else(|| term.split_once('='))?;
            (!field.ends_with('!')).then(|| (field.to_owned(), value.to_owned()))
        };
        match equal(term) {
            Some((field, value)) if field == "metadata.name" => selection.name = Some(value),
            Some(pair) if K::FIELDS.contains(&pair.0.as_str()) => selection.fields.push(pair),
            Some((field, _)) => {
                return Err(Failure::bad_request(format!("field label not supported: {field}")));
            }
            None => {
                return Err(Failure::bad_request(format!(
                    "fieldSelector {term:?} is not supported by this API server: \
                     only metadata.name=NAME is"
                )));
            }
        }
    }
    Ok(selection)
}

/// The labels that are asked for: `name=value`, several with commas between.
fn labels(query: &Query) -> Result<Vec<(String, String)>, Failure> {
    let terms = query.get("labelSelector").unwrap_or_default().split(',');
    let terms = terms.map(str::trim).filter(|term| !term.is_empty());
    terms
        .map(|term| {
            let (name, value) =
                term.split_once("==").or_else(|| term.split_once('=')).unwrap_or((term, "!"));
            if name.ends_with('!') || !is_label_value(value) {
                return Err(Failure::bad_request(format!(
                    "unable to parse requirement {term:?}: this API server takes NAME=VALUE only"
                )));
            }
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}
