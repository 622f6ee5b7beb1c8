//! DNS names in the place of addresses: which there are, and which of their answers count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Settings;
use super::parse;

#[cfg(test)]
mod tests;

/// What names stand for: each with the addresses that count, at least one.
pub type Resolved = BTreeMap<String, Vec<IpAddr>>;

/// Which of a name's addresses count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsMode {
    /// One: the lowest of IPv4, or of IPv6 where there is none.
    #[default]
    First,
    /// The lowest of IPv4.
    Ipv4,
    /// The lowest of IPv6.
    Ipv6,
    /// The lowest of each family that there is.
    Dual,
}

impl DnsMode {
    /// As kube-vip has it: whatever is none of the words is the first; none then.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "" | "first" => Some(Self::First),
            "ipv4" => Some(Self::Ipv4),
            "ipv6" => Some(Self::Ipv6),
            "dual" => Some(Self::Dual),
            _ => None,
        }
    }

    /// The addresses that count, by number rather than in the order of the answer: name servers
    /// turn that from question to question, and all nodes have to come to the same.
    #[must_use]
    pub fn chosen(self, answers: &[IpAddr]) -> Vec<IpAddr> {
        let ipv4 = answers.iter().copied().filter(IpAddr::is_ipv4).min();
        let ipv6 = answers.iter().copied().filter(IpAddr::is_ipv6).min();
        let chosen = match self {
            Self::First => [ipv4.or(ipv6), None],
            Self::Ipv4 => [ipv4, None],
            Self::Ipv6 => [ipv6, None],
            Self::Dual => [ipv4, ipv6],
        };
        chosen.into_iter().flatten().collect()
    }

    /// What has to be among the answers, for people.
    #[must_use]
    pub const fn needs(self) -> &'static str {
        match self {
            Self::First | Self::Dual => "address",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
        }
    }
}

impl Settings {
    /// The names among the addresses, each once; and which of their addresses count.
    #[must_use]
    pub fn names(&self) -> (Vec<String>, DnsMode) {
        let values = self.values();
        let mut names: Vec<String> = values
            .addresses()
            .split(',')
            .map(str::trim)
            .filter(|text| parse::is_name(text))
            .map(Into::into)
            .collect();
        names.sort_unstable();
        names.dedup();
        (names, DnsMode::read(&values.dns_mode).unwrap_or_default())
    }
}

/// A list of addresses in which each known name is replaced by what it stands for.
pub(super) fn replaced(list: &str, names: &Resolved) -> String {
    let texts: Vec<String> = list
        .split(',')
        .map(|text| match names.get(text.trim()) {
            None => text.to_owned(),
            Some(addresses) => {
                let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
                texts.join(",")
            }
        })
        .collect();
    texts.join(",")
}
