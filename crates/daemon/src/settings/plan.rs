//! From settings and a host to a configuration: the rules that concern more than one setting.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use kube_vip_core::address::NodeName;
use kube_vip_core::plan::{LeasePlan, Plan, Timings, TimingsError};

use super::config::{Config, Credentials, LogFormat, LogLevel, Warning};
use super::definition::{Definition, Wrong};
use super::definitions::control_plane::{
    CP_ENABLE, CP_NAMESPACE, PORT, VIP_ARP, VIP_ARP_RATE, VIP_LEADERELECTION, VIP_LEASEDURATION,
    VIP_LEASENAME, VIP_NODENAME, VIP_RENEWDEADLINE, VIP_RETRYPERIOD,
};
use super::definitions::process::{
    HEALTH_CHECK_PORT, K8S_CONFIG_FILE, KUBERNETES_ADDR, PROMETHEUS_SERVER, VERBOSITY, VIP_LOGLEVEL,
};
use super::host::Host;
use super::names::Resolved;
use super::parse;
use super::refusal::{Problem, Refusal};
use super::values::Values;
use super::{ADMIN_CONF, Feature, Settings};

mod address;
mod anywhere;
mod conduct;
mod interface;

impl Settings {
    /// What the settings come to on this host.
    ///
    /// # Errors
    /// If anything is wrong with them; then everything that is.
    pub fn config(&self, host: &Host) -> Result<Config, Refusal> {
        self.config_with(host, &Resolved::new())
    }

    /// The same where DNS names stand in the place of addresses: what they stand for.
    ///
    /// # Errors
    /// As [`Self::config`]; a name that is not among them is wrong.
    pub fn config_with(&self, host: &Host, names: &Resolved) -> Result<Config, Refusal> {
        let mut check = Check::new(self, host, names);
        check.problems.clone_from(&self.problems);
        check.warnings.clone_from(&self.warnings);
        match check.config() {
            Some(config) if check.problems.is_empty() => {
                Ok(Config { warnings: check.warnings, ..config })
            }
            _ => Err(Refusal::new(check.problems, check.warnings)),
        }
    }
}

/// Where an election is, for whoever asks about it without taking part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// The addresses that the nodes hold, as far as they are known here.
    pub vips: Vec<IpAddr>,
    /// The port of the API server on this node; never 0.
    pub port: u16,
    /// Where to look for the rights to use the API server.
    pub credentials: Credentials,
}

impl Settings {
    /// The election that the settings name; all other settings may be missing or wrong.
    ///
    /// # Errors
    /// If those that say where it is are wrong.
    pub fn election(&self) -> Result<Election, Refusal> {
        let concerned = [&VIP_LEASENAME, &CP_NAMESPACE, &PORT, &K8S_CONFIG_FILE];
        let labels = concerned.map(Definition::label);
        let problems: Vec<_> =
            self.problems.iter().filter(|one| labels.contains(&one.label)).cloned().collect();
        if !problems.is_empty() {
            return Err(Refusal::new(problems, Vec::new()));
        }
        let (host, names) = (Host::default(), Resolved::new());
        let mut check = Check::new(self, &host, &names);
        let values = self.values();
        Ok(Election {
            namespace: check.namespace(),
            name: values.lease_name.clone(),
            vips: values
                .addresses()
                .split(',')
                .filter_map(|text| text.trim().parse().ok())
                .collect(),
            port: values.port,
            credentials: check.credentials(),
        })
    }
}

impl Settings {
    /// Which log lines are wanted; settings that are wrong count as not set.
    #[must_use]
    pub fn log(&self) -> (LogLevel, LogFormat) {
        let (host, names) = (Host::default(), Resolved::new());
        let mut check = Check::new(self, &host, &names);
        (check.log_level(), self.values().log_format)
    }
}

/// The checks, and what they find.
struct Check<'a> {
    settings: &'a Settings,
    host: &'a Host,
    names: &'a Resolved,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl<'a> Check<'a> {
    const fn new(settings: &'a Settings, host: &'a Host, names: &'a Resolved) -> Self {
        Self { settings, host, names, problems: Vec::new(), warnings: Vec::new() }
    }
}

impl Check<'_> {
    const fn values(&self) -> &Values {
        self.settings.values()
    }

    fn problem(&mut self, definition: &Definition, wrong: Wrong) {
        let given = self.settings.given(definition);
        self.problems.push(Problem::new(definition, given, wrong));
    }

    fn warn(&mut self, definition: &Definition, text: impl Into<String>) {
        let text = text.into();
        self.warnings.push(match self.settings.given(definition) {
            Some(given) => given.warning(text),
            None => Warning { setting: definition.label(), text },
        });
    }

    /// Runs every check, also after one has failed; none: one of them had to.
    fn config(&mut self) -> Option<Config> {
        self.mode();
        let vips = self.vips();
        let link = self.link(vips.as_ref());
        if let (Some(vips), Some(link)) = (&vips, &link) {
            self.ipv6_is_there(vips, link);
        }
        let node = self.node();
        let timings = self.timings();
        let announce_every = self.announce_every();
        let namespace = self.namespace();
        let conduct = self.conduct();
        let health = self.health_check();
        self.ports();
        let log_level = self.log_level();
        let credentials = self.credentials();
        let values = self.values();
        let node_label = vips.as_ref().filter(|_| values.node_labels).and_then(address::label);
        Some(Config {
            plan: Plan {
                node: node?,
                link: link?,
                vips: vips?,
                lease: LeasePlan { namespace, name: values.lease_name.clone(), timings: timings? },
                announce_every,
                conduct,
                boot: self.host.boot.clone(),
            },
            credentials,
            port: values.port,
            node_label,
            health,
            metrics: values.metrics,
            health_port: values.health_port,
            log_level,
            log_format: values.log_format,
            black_box_file: (!values.black_box_file.is_empty())
                .then(|| PathBuf::from(&values.black_box_file)),
            warnings: Vec::new(),
        })
    }

    /// One mode, and something to do in it.
    fn mode(&mut self) {
        let missing = &self.settings.missing;
        let other = missing.iter().find(|(feature, _)| feature.is_mode());
        let services = missing.iter().any(|(feature, _)| *feature == Feature::Services);
        match other {
            Some((feature, definition)) if self.values().arp => {
                let wrong = format!(
                    "a second mode beside vip_arp, and a process has one; {} is not in this \
                     version of kube-vip",
                    feature.title()
                );
                let label = definition.label();
                for problem in self.problems.iter_mut().filter(|problem| problem.label == label) {
                    problem.wrong.wrong.clone_from(&wrong);
                }
            }
            None if !self.values().arp && self.settings.sound(&[&VIP_ARP]) => {
                let right = "true: ARP is the mode of this version";
                self.problem(&VIP_ARP, Wrong::new("no mode is switched on", right));
            }
            _ => {}
        }
        if !self.values().control_plane && !services && self.settings.sound(&[&CP_ENABLE]) {
            let wrong = "neither the control plane nor Services are switched on";
            let right = "true: the control plane is what this version does";
            self.problem(&CP_ENABLE, Wrong::new(wrong, right));
        }
        let elects = self.settings.given(&VIP_LEADERELECTION).is_none()
            || !self.settings.sound(&[&VIP_LEADERELECTION])
            || self.values().leader_election;
        if !elects {
            self.warn(&VIP_LEADERELECTION, "in ARP mode the nodes elect all the same");
        }
    }

    fn node(&mut self) -> Option<NodeName> {
        const RIGHT: &str = "the name of the Node in Kubernetes: letters, digits, '-' and '.'";
        let written = &self.values().node_name;
        let name = if written.is_empty() { &self.host.host_name } else { written };
        match NodeName::new(name) {
            Ok(node) => {
                if written.is_empty() && self.settings.node_name_is_empty {
                    let text = format!("it is there and empty: the host name is used, {node}");
                    self.warn(&VIP_NODENAME, text);
                }
                if node.as_str() == "localhost" {
                    let text = "the name of this node is localhost; if another node's is too, \
                                both take each other's Lease for their own";
                    self.warn(&VIP_NODENAME, text);
                }
                Some(node)
            }
            Err(_) if written.is_empty() => {
                let wrong = format!("the host name, {name:?}, is no name that a node can have");
                self.problem(&VIP_NODENAME, Wrong::new(wrong, RIGHT));
                None
            }
            Err(_) => {
                self.problem(&VIP_NODENAME, Wrong::new("no node can have this name", RIGHT));
                None
            }
        }
    }

    fn timings(&mut self) -> Option<Timings> {
        let all = [&VIP_LEASEDURATION, &VIP_RENEWDEADLINE, &VIP_RETRYPERIOD];
        if !self.settings.sound(&all) {
            return None;
        }
        let values = self.values();
        let (duration, renew, retry) =
            (values.lease_duration, values.renew_deadline, values.retry_period);
        let error = match Timings::new(duration, renew, retry) {
            Ok(timings) => return Some(timings),
            Err(error) => error,
        };
        let usual = "usual are 15, 10 and 2 for vip_leaseduration, vip_renewdeadline and \
                     vip_retryperiod";
        let (definition, right) = match error {
            TimingsError::Duration => (
                &VIP_LEASEDURATION,
                format!("more than vip_renewdeadline, which is {}", renew.as_secs()),
            ),
            TimingsError::RenewDeadline => (
                &VIP_RENEWDEADLINE,
                format!("more than 1.2 times vip_retryperiod, which is {}", retry.as_secs()),
            ),
            TimingsError::Retry => (&VIP_RETRYPERIOD, "at least 1".to_owned()),
        };
        self.problem(definition, Wrong::new(error.to_string(), format!("{right}; {usual}")));
        None
    }

    /// kube-vip raises what is too small to its default.
    fn announce_every(&mut self) -> Duration {
        let rate = self.values().arp_rate;
        let rate = if rate < 500 {
            self.warn(&VIP_ARP_RATE, "less than 500 milliseconds; 3000 is used");
            3000
        } else {
            rate
        };
        Duration::from_millis(rate.unsigned_abs())
    }

    /// As kube-vip has it: the Lease's own, then the pod's, then the setting.
    fn namespace(&mut self) -> String {
        let values = self.values();
        if let Some(namespace) = &values.lease_namespace {
            return namespace.clone();
        }
        let Some(pod) = self.settings.pod_namespace.clone() else {
            return values.namespace.clone();
        };
        if self.settings.given(&CP_NAMESPACE).is_some() && values.namespace != pod {
            let text = format!(
                "the Lease is in the pod's namespace, {pod}; vip_leasename=namespace/name puts it \
                 elsewhere"
            );
            self.warn(&CP_NAMESPACE, text);
        }
        pod
    }

    /// No two servers on one port.
    fn ports(&mut self) {
        let values = self.values();
        let api = (&PORT, Some(values.port), "the API server's");
        let metrics = values.metrics.map(|listen| listen.port);
        let metrics = (&PROMETHEUS_SERVER, metrics, "that of /metrics");
        let health = (&HEALTH_CHECK_PORT, values.health_port, "that of /healthz");
        for (here, there) in [(&metrics, &api), (&health, &api), (&health, &metrics)] {
            if here.1.is_some() && here.1 == there.1 && self.settings.sound(&[here.0, there.0]) {
                let wrong = format!("this port is {}", there.2);
                let right = format!("another one than that of {}", there.0.label());
                self.problem(here.0, Wrong::new(wrong, right));
            }
        }
    }

    fn log_level(&mut self) -> LogLevel {
        let values = self.values();
        let klog = self.settings.given(&VERBOSITY).is_some()
            && self.settings.given(&VIP_LOGLEVEL).is_none();
        if klog {
            return LogLevel::of_klog(values.verbosity);
        }
        let level = values.log_level;
        if matches!(level.0, 1..=3 | 5..=7 | 9..) {
            let shown = match level.0 {
                ..=4 => "warnings and errors",
                5..=8 => "errors only",
                9.. => "nothing",
            };
            let text = format!(
                "this shows {shown}: greater numbers have meant fewer lines since kube-vip \
                 v0.9.0; 0 is usual, -4 shows everything"
            );
            self.warn(&VIP_LOGLEVEL, text);
        }
        level
    }

    fn credentials(&mut self) -> Credentials {
        let server = match self.values().kubernetes_addr.as_str() {
            "" => None,
            text => match parse::server(text) {
                Ok(url) => Some(url),
                Err(wrong) => {
                    self.problem(&KUBERNETES_ADDR, wrong);
                    None
                }
            },
        };
        let values = self.values();
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let own =
            self.settings.given(&K8S_CONFIG_FILE).is_some() && values.k8s_config_file != ADMIN_CONF;
        Credentials {
            k8s_config_file: own.then(|| PathBuf::from(&values.k8s_config_file)),
            kubeconfig_env: text(&values.kubeconfig),
            home: text(&values.home).map(PathBuf::from),
            server,
        }
    }
}

#[cfg(test)]
mod tests;
