//! Values as people write them: booleans, numbers, ports, prefix lengths, addresses to listen on.

use std::net::{IpAddr, Ipv4Addr};

use http::Uri;

use super::config::Listen;
use super::definition::{Bounds, Feature, Wrong};
use super::values::Prefixes;

/// A boolean, in the spellings of Go's `strconv.ParseBool`.
pub(super) fn switch(text: &str) -> Result<bool, Wrong> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Wrong::new("this is neither true nor false", "true or false")),
    }
}

/// A whole number, decimal, within bounds.
pub(super) fn number(text: &str, Bounds { least, most, unit }: Bounds) -> Result<i64, Wrong> {
    let right = || format!("{unit}: a whole number from {least} to {most}");
    let number: i64 = text.parse().map_err(|_| Wrong::new("this is no whole number", right()))?;
    match number {
        _ if number < least => Err(Wrong::new(format!("less than {least}"), right())),
        _ if number > most => Err(Wrong::new(format!("more than {most}"), right())),
        _ => Ok(number),
    }
}

/// A port that one can connect to.
pub(super) fn port(text: &str) -> Result<u16, Wrong> {
    let right = "a port: a whole number from 1 to 65535";
    match text.parse() {
        Ok(0) => Err(Wrong::new("nothing can listen on port 0", right)),
        Ok(port) => Ok(port),
        Err(_) => Err(Wrong::new("this is no port", right)),
    }
}

/// A level of Go's `slog`, as the 32 bits that kube-vip reads, or its name.
pub(super) fn level(text: &str) -> Result<i64, Wrong> {
    let right = "a number: -4 debug, 0 info, 4 warnings, 8 errors";
    match text.to_ascii_lowercase().as_str() {
        "debug" => Ok(-4),
        "info" => Ok(0),
        "warn" | "warning" => Ok(4),
        "error" => Ok(8),
        number => {
            let level: Result<i32, _> = number.parse();
            level.map(i64::from).map_err(|_| Wrong::new("this is no level", right))
        }
    }
}

/// A verbosity of klog.
pub(super) fn verbosity(text: &str) -> Result<u8, Wrong> {
    let right = "a whole number from 0 to 10: from 4 on debug, less is info";
    match text.parse() {
        Ok(number @ 0..=10) => Ok(number),
        _ => Err(Wrong::new("this is no verbosity", right)),
    }
}

/// The URL of an API server, from a URL or from a host with or without a port.
pub(super) fn server(text: &str) -> Result<String, Wrong> {
    const RIGHT: &str = "https://10.0.0.1:6443, or a host and a port";
    let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    self::url(&url, RIGHT)?;
    Ok(url)
}

/// A URL that can be asked; `right` is what would be one.
pub(super) fn url(text: &str, right: &str) -> Result<(), Wrong> {
    let uri: Uri = text.parse().map_err(|_| Wrong::new("this is no URL", right))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        Some("http" | "https") => Err(Wrong::new("this names no host", right)),
        _ => Err(Wrong::new("this begins neither with https:// nor with http://", right)),
    }
}

/// One of some words.
pub(super) fn choice(text: &str, words: &[&str]) -> Result<String, Wrong> {
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("this is none of the choices", words.join(", ")))
    }
}

/// The port of the health server, 0 for none; below 1024 kube-vip refuses too.
pub(super) fn health_port(text: &str) -> Result<Option<u16>, Wrong> {
    let right = "a port from 1024 to 65535, or 0 for none";
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(port @ 1024..) => Ok(Some(port)),
        Ok(_) => Err(Wrong::new("ports below 1024 belong to the system", right)),
        Err(_) => Err(Wrong::new("this is no port", right)),
    }
}

/// The prefix lengths of `24`, `/24` or `32,128`: of two the first is for IPv4 and the second for
/// IPv6, one is for both.
pub(super) fn prefixes(text: &str) -> Result<Prefixes, Wrong> {
    const RIGHT: &str = "32, or the prefix length of the nodes' subnet, such as 24";
    const BOTH: &str = "IPv4's and IPv6's prefix length, as in 32,128";
    let mut lengths = text.split(',').map(str::trim);
    let first = lengths.next().unwrap_or_default();
    let prefixes = match lengths.next() {
        None => {
            let one = length(first, 128, RIGHT)?;
            Prefixes { ipv4: one, ipv6: one }
        }
        Some(second) => {
            Prefixes { ipv4: length(first, 32, BOTH)?, ipv6: length(second, 128, BOTH)? }
        }
    };
    match lengths.next() {
        Some(_) => Err(Wrong::new("more than two prefix lengths", "32, or 32,128")),
        None => Ok(prefixes),
    }
}

fn length(text: &str, most: u8, right: &str) -> Result<u8, Wrong> {
    if text == "auto" {
        let wrong = "auto is for Services only, which are not in this version of kube-vip";
        return Err(Wrong::new(wrong, right));
    }
    match text.strip_prefix('/').unwrap_or(text).parse::<u8>() {
        // With 0, the kernel would route everything to the interface.
        Ok(length) if (1..=most).contains(&length) => Ok(length),
        Err(_) if text.contains('.') => {
            let wrong = format!("{text:?} is a netmask; the prefix length is its number of ones");
            Err(Wrong::new(wrong, right))
        }
        Ok(_) | Err(_) => {
            let wrong = format!("{text:?} is no prefix length; these go from 1 to {most}");
            Err(Wrong::new(wrong, right))
        }
    }
}

/// The addresses of a list with commas.
pub(super) fn addresses(text: &str) -> Result<Vec<IpAddr>, Wrong> {
    text.split(',').map(str::trim).map(address).collect()
}

fn address(text: &str) -> Result<IpAddr, Wrong> {
    const RIGHT: &str =
        "a free address of the nodes' subnet, such as 192.168.20.140 or fd00:20::140";
    if let Ok(address) = text.parse::<IpAddr>() {
        if address.is_unspecified() {
            // It does in a Service's spec.loadBalancerIP.
            let wrong = format!(
                "{address} stands for {}, which is not in this version of kube-vip",
                Feature::Dhcp.title()
            );
            return Err(Wrong::new(wrong, RIGHT));
        }
        return Ok(address);
    }
    if text.is_empty() {
        return Err(Wrong::new("a comma without an address", RIGHT));
    }
    if text.contains('/') {
        let wrong = format!("{text:?}: the prefix length does not belong here");
        return Err(Wrong::new(wrong, "the address alone; vip_subnet has the prefix length"));
    }
    if is_name(text) {
        return Err(Wrong::new(format!("{text:?} could not be resolved"), RIGHT));
    }
    Err(Wrong::new(format!("{text:?} is no IP address"), RIGHT))
}

/// Whether a text can be a DNS name, and is no number.
pub(super) fn is_name(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    !text.chars().all(digits) && text.chars().all(name)
}

/// Where to listen: `:2112`, `127.0.0.1:2112`, `[::1]:2112`, `localhost:2112`; nothing: nowhere.
pub(super) fn listen(text: &str) -> Result<Option<Listen>, Wrong> {
    const RIGHT: &str = "an address and a port, as in 127.0.0.1:2112; or :2112 for all addresses";
    if text.is_empty() {
        return Ok(None);
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(Wrong::new("the colon before the port is missing", RIGHT));
    };
    let port = port.parse().map_err(|_| Wrong::new(format!("{port:?} is no port"), RIGHT))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match (host, bare) {
        ("", _) => None,
        ("localhost", _) => Some(Ipv4Addr::LOCALHOST.into()),
        (_, Some(v6)) => Some(v6.parse().map(IpAddr::V6).map_err(|_| no_address(host, RIGHT))?),
        (v4, None) => Some(v4.parse().map(IpAddr::V4).map_err(|_| no_address(host, RIGHT))?),
    };
    Ok(Some(Listen { address, port }))
}

fn no_address(host: &str, right: &str) -> Wrong {
    Wrong::new(format!("{host:?} is no address of this host"), right)
}

/// A Lease: `name`, or `namespace/name`.
pub(super) fn lease(text: &str) -> Result<(Option<String>, String), Wrong> {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(self::namespace(namespace)?), name),
        None => (None, text),
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        return Ok((namespace, name.to_owned()));
    }
    let wrong = format!("{name:?} is no name that a Lease can have");
    Err(Wrong::new(wrong, "lower-case letters, digits, '-' and '.', as in plndr-cp-lock"))
}

/// The name of a namespace, an RFC 1123 label.
pub(super) fn namespace(text: &str) -> Result<String, Wrong> {
    if text.len() <= 63 && is_label(text) {
        return Ok(text.to_owned());
    }
    let wrong = format!("{text:?} is no name that a namespace can have");
    Err(Wrong::new(wrong, "lower-case letters, digits and '-', as in kube-system"))
}

fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|b| plain(b) || b == b'-')
        && text.bytes().next().is_some_and(plain)
        && text.bytes().next_back().is_some_and(plain)
}

#[cfg(test)]
mod tests;
