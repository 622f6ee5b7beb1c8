//! For whom a server certificate is, and until when (RFC 5280, section 4.2.1.6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::list;
use crate::cli::report::Row;
use crate::drivers::lease::served;

#[cfg(test)]
mod tests;

/// A certificate that ends within this time is worth a warning.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// What a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Certificate {
    pub(in crate::cli) names: Vec<String>,
    pub(in crate::cli) addresses: Vec<IpAddr>,
    pub(in crate::cli) ends: Timestamp,
}

impl Certificate {
    /// From DER; none: it is not readable.
    pub(in crate::cli) fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let (mut dns, mut addresses) = (Vec::new(), Vec::new());
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                _ => {}
            }
        }
        let ends = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
        Some(Self { names: dns, addresses, ends })
    }

    /// The first certificate of a text in PEM; none: there is none.
    pub(in crate::cli) fn from_pem(pem: &[u8]) -> Option<Self> {
        Self::from_der(CertificateDer::from_pem_slice(pem).ok()?.as_ref())
    }

    /// Whether a client that asks for this name or address takes it.
    pub(in crate::cli) fn is_for(&self, name: &str) -> bool {
        match name.parse::<IpAddr>() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.names.iter().any(|known| matches(known, name)),
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = |bytes: [u8; 4]| IpAddr::from(Ipv4Addr::from(bytes));
    let v6 = |bytes: [u8; 16]| IpAddr::from(Ipv6Addr::from(bytes));
    bytes.try_into().map(v4).or_else(|_| bytes.try_into().map(v6)).ok()
}

/// RFC 6125, section 6.4: a star stands for one label, the first.
fn matches(known: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    known.eq_ignore_ascii_case(name)
        || known.strip_prefix("*.").is_some_and(|rest| {
            name.split_once('.').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(rest))
        })
}

/// The row about the certificate that the server behind that socket shows, and what it has to be
/// for. `silent`: what to do where there is no such server.
pub(in crate::cli) async fn shown(
    check: &'static str,
    socket: SocketAddr,
    wanted: &[String],
    now: Timestamp,
    silent: &str,
) -> Row {
    match served::certificate(socket).await {
        Ok(der) => match Certificate::from_der(&der) {
            Some(shown) => {
                let whose = format!("the certificate shown at {socket}");
                judge(check, &whose, &shown, wanted, now)
            }
            None => Row::unknown(
                check,
                format!("{socket} shows a certificate that cannot be read"),
                "openssl s_client -connect has more",
            ),
        },
        Err(error) => Row::unknown(check, error.to_string(), silent),
    }
}

/// The row about a certificate and what it has to be for. `whose` begins the evidence.
pub(in crate::cli) fn judge(
    check: &'static str,
    whose: &str,
    certificate: &Certificate,
    wanted: &[String],
    now: Timestamp,
) -> Row {
    let lacking: Vec<_> = wanted.iter().filter(|name| !certificate.is_for(name)).collect();
    if !lacking.is_empty() {
        let has = list(
            certificate.addresses.iter().map(ToString::to_string).chain(certificate.names.clone()),
        );
        let lacking = list(lacking);
        return Row::failed(
            check,
            format!("{whose} is not for {lacking}; it is for {has}"),
            format!(
                "add {lacking} to the API servers' certificates: k3s and RKE2 tls-san in \
                 config.yaml and a restart of one server after the other; kubeadm \
                 apiServer.certSANs, then kubeadm init phase certs apiserver"
            ),
        );
    }
    let left = certificate.ends.duration_since(now);
    let evidence = format!("{whose} is for {}, until {}", list(wanted), certificate.ends);
    if left.is_negative() {
        let remedy = "renew the API server's certificate: k3s does so at a restart, kubeadm with \
                      kubeadm certs renew apiserver; or set this host's clock";
        return Row::failed(check, format!("{evidence}: it has ended"), remedy);
    }
    if left.unsigned_abs() < SOON {
        let remedy = "renew it: k3s does so at a restart, kubeadm with kubeadm certs renew \
                      apiserver";
        return Row::warning(check, format!("{evidence}, which is soon"), remedy);
    }
    Row::ok(check, evidence)
}
