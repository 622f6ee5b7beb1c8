//! What this host's kernel and processes are like.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use kube_vip_core::address::{LinkName, Vip};

use super::here::Here;
use crate::cli::checks::listening::{self, listening};
use crate::cli::checks::traps::{Traps, Where};
use crate::cli::checks::{list, others};
use crate::cli::report::Row;
use crate::drivers::kernel::fence::{Fence, FenceError};
use crate::settings::config::Config;
use crate::settings::host::Host;
use crate::sys::caps;

#[cfg(test)]
mod tests;

/// What is skipped where it does not apply.
const CHECKS: [&str; 5] = ["port", "metrics-port", "sysctl", "capabilities", "nf-tables"];

/// All of it; skipped where this is no node.
pub(super) fn rows(here: &Here, host: &Host, config: Option<&Config>, vips: &[IpAddr]) -> Vec<Row> {
    let skipped = |why: &str| CHECKS.into_iter().map(|check| Row::skipped(check, why)).collect();
    let config = match (here, config) {
        (Here::Elsewhere(why), _) => return skipped(why),
        (Here::Node, None) => return skipped("the settings are not right: see above"),
        (Here::Node, Some(config)) => config,
    };
    let link = &config.plan.link;
    let root = Path::new("/");
    let missing = caps::missing();
    let mut rows = vec![listening::port(&listening(root, config.port), config.port, vips)];
    rows.push(metrics_port(root, config));
    rows.extend(sysctl(host, config));
    let able = missing.as_ref().is_ok_and(Vec::is_empty);
    rows.push(capabilities(missing));
    rows.push(if able {
        fence(try_fence(link))
    } else {
        Row::skipped("nf-tables", "run it as root: see the row capabilities")
    });
    rows
}

/// The kernel's settings are about IPv4: an address of IPv6 has no such traps.
fn sysctl(host: &Host, config: &Config) -> Vec<Row> {
    let plan = &config.plan;
    let four = plan.vips.iter().filter(|vip| vip.address().is_ipv4());
    let Some(prefix) = four.map(Vip::prefix).min() else {
        return vec![Row::skipped("sysctl", "they are about IPv4 addresses, and there is none")];
    };
    let link = plan.link.as_str();
    let route = host.default_route_link.as_ref();
    let has_default_route = route.is_none_or(|route| *route == plan.link);
    let traps = Traps::read(Path::new("/proc/sys/net/ipv4"), link);
    traps.judge(Where { link, has_default_route, prefix })
}

fn metrics_port(root: &Path, config: &Config) -> Row {
    const CHECK: &str = "metrics-port";
    let Some(listen) = config.metrics.filter(|listen| listen.port != 0) else {
        return Row::skipped(CHECK, "no port for /metrics is set");
    };
    let runs = others::running(root).iter().any(|program| program.name == "kube-vip");
    taken(listen.port, !listening(root, listen.port).is_empty(), runs)
}

/// `runs`: a kube-vip runs here already, and may be who listens.
fn taken(port: u16, taken: bool, runs: bool) -> Row {
    const CHECK: &str = "metrics-port";
    match (taken, runs) {
        (false, _) => Row::ok(CHECK, format!("port {port} is free")),
        (true, true) => {
            Row::ok(CHECK, format!("port {port} is in use, and a kube-vip runs here already"))
        }
        (true, false) => Row::warning(
            CHECK,
            format!("port {port} is in use: there would be no /metrics and /status"),
            "prometheus_server=:2113, or another free port; empty for none",
        ),
    }
}

fn capabilities(missing: io::Result<Vec<&'static str>>) -> Row {
    match missing {
        Ok(none) if none.is_empty() => Row::ok("capabilities", "NET_ADMIN and NET_RAW are here"),
        Ok(missing) => Row::failed(
            "capabilities",
            format!("this process lacks {}, without which kube-vip does not start", list(missing)),
            "run it as root; in the pod securityContext.capabilities.add: [NET_ADMIN, NET_RAW]",
        ),
        Err(error) => Row::unknown("capabilities", error.to_string(), "grep Cap /proc/self/status"),
    }
}

/// Makes the fence of an election that nobody has, and takes it away again.
fn try_fence(link: &LinkName) -> Result<(), FenceError> {
    Fence::open(&format!("preflight/{}", std::process::id()), link).map(drop)
}

fn fence(tried: Result<(), FenceError>) -> Row {
    const CHECK: &str = "nf-tables";
    match tried {
        Ok(()) => Row::ok(CHECK, "the kernel can fence an address (tried and removed again)"),
        Err(error @ FenceError::Missing { .. }) => Row::warning(
            CHECK,
            format!("{error}: a holder that is killed is silenced by its address's lifetime alone"),
            "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES_NETDEV and \
             CONFIG_NETFILTER_EGRESS (Linux 5.16); without them it works, half a second slower",
        ),
        Err(error) => Row::unknown(CHECK, error.to_string(), "nft list ruleset, as root"),
    }
}
