//! The rules for metadata (`pkg/api/validation` of k8s.io/apimachinery).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::failure::Fault;

/// The rules that metadata breaks: the name is that of a DNS subdomain (RFC 1123), labels have
/// values that selectors can name, owners are named in full.
pub(crate) fn faults(metadata: &ObjectMeta) -> Vec<Fault> {
    let mut faults: Vec<_> = name_fault(metadata.name.as_deref()).into_iter().collect();
    let labels = metadata.labels.iter().flatten();
    faults.extend(labels.filter(|(_, value)| !is_label_value(value)).map(|(_, value)| {
        Fault::Value {
            field: "metadata.labels".into(),
            value: format!("{value:?}"),
            why: "must be no more than 63 bytes of alphanumeric characters, '-', '_' or '.', and \
                  must start and end with an alphanumeric character"
                .into(),
        }
    }));
    for owner in metadata.owner_references.iter().flatten() {
        let parts = [
            ("apiVersion", &owner.api_version),
            ("kind", &owner.kind),
            ("name", &owner.name),
            ("uid", &owner.uid),
        ];
        faults.extend(parts.iter().filter(|(_, text)| text.is_empty()).map(|(part, _)| {
            Fault::Value {
                field: format!("metadata.ownerReferences.{part}"),
                value: "\"\"".into(),
                why: format!("{part} must not be empty"),
            }
        }));
    }
    faults
}

fn name_fault(name: Option<&str>) -> Option<Fault> {
    let field = "metadata.name".to_owned();
    match name {
        None | Some("") => {
            Some(Fault::Missing { field, why: "name or generateName is required".into() })
        }
        Some(name) if !is_dns_subdomain(name) => Some(Fault::Value {
            field,
            value: format!("{name:?}"),
            why: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                  characters, '-' or '.', and must start and end with an alphanumeric character"
                .into(),
        }),
        Some(_) => None,
    }
}

/// At most 63 bytes, empty or between two letters or digits.
pub(crate) fn is_label_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.len() <= 63
        && bytes.iter().all(inner)
        && bytes.first().is_none_or(u8::is_ascii_alphanumeric)
        && bytes.last().is_none_or(u8::is_ascii_alphanumeric)
}

/// At most 253 characters; labels of lower-case letters, digits and inner hyphens.
fn is_dns_subdomain(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(|&byte| alphanumeric(byte))
            && bytes.last().is_some_and(|&byte| alphanumeric(byte))
            && bytes.iter().all(|&byte| alphanumeric(byte) || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
