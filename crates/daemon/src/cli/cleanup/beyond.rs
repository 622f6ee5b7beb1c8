//! What the original leaves in parts of the kernel that this program does not change: it is shown,
//! with what removes it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The virtual services of IPVS in this network namespace (net/netfilter/ipvs/ip_vs_ctl.c).
const SERVICES: &str = "/proc/thread-self/net/ip_vs";

/// The tables of iptables that are not nftables' (net/netfilter/x_tables.c).
const LEGACY: &str = "/proc/thread-self/net/ip_tables_names";

/// Something of that sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) kind: &'static str,
    pub(super) what: String,
    pub(super) why: String,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) things: Vec<Beyond>,
    pub(super) notes: Vec<String>,
}

pub(super) fn find(addresses: &BTreeSet<IpAddr>) -> Sight {
    let mut sight = Sight::default();
    // Neither file is there where the kernel has no such thing.
    let services = fs::read_to_string(SERVICES).unwrap_or_default();
    sight.things.extend(left_services(&services, addresses));
    let legacy = fs::read_to_string(LEGACY).unwrap_or_default();
    if !legacy.trim().is_empty() {
        sight.notes.push(
            "rules of iptables-legacy: iptables-legacy-save | grep -e a3ViZS12aXAK -e \
             KUBE-VIP-EGRESS -e 'kube-vip load balancer' shows the original's"
                .to_owned(),
        );
    }
    sight
}

/// The services of these addresses: lines as `TCP  C0A8148C:192B rr`, or of IPv6 as
/// `TCP  [fd00:0020:0000:0000:0000:0000:0000:0140]:192B rr`.
fn left_services(text: &str, addresses: &BTreeSet<IpAddr>) -> Vec<Beyond> {
    let service = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let protocol = words.next().filter(|word| matches!(*word, "TCP" | "UDP"))?;
        let (address, port) = words.next()?.rsplit_once(':')?;
        let address: IpAddr = match address.strip_prefix('[') {
            Some(six) => six.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
            None => Ipv4Addr::from_bits(u32::from_str_radix(address, 16).ok()?).into(),
        };
        let socket = SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?);
        addresses.contains(&address).then(|| Beyond {
            kind: "ipvs service",
            what: format!("{protocol} {socket}"),
            why: format!(
                "kube-vip's load balancer; not removed here: ipvsadm -D -{} {socket}",
                if protocol == "TCP" { 't' } else { 'u' }
            ),
        })
    };
    text.lines().filter_map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_the_address_are_found() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\n\
                    Prot LocalAddress:Port Scheduler Flags\n  \
                    -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
                    TCP  C0A8148C:192B rr\n  \
                    -> C0A8140B:192B      Local   1      0          0\n\
                    TCP  0A600001:01BB rr\n";
        let found = left_services(text, &BTreeSet::from(["192.168.20.140".parse().unwrap()]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "TCP 192.168.20.140:6443");
        assert!(found[0].why.ends_with("ipvsadm -D -t 192.168.20.140:6443"));
        assert_eq!(left_services(text, &BTreeSet::new()), []);
        let text = "UDP  [fd00:0020:0000:0000:0000:0000:0000:0140]:0035 rr\n";
        let found = left_services(text, &BTreeSet::from(["fd00:20::140".parse().unwrap()]));
        assert_eq!(found[0].what, "UDP [fd00:20::140]:53");
    }
}
