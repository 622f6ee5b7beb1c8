//! YAML as kube-vip's generator writes it.

use serde_json::Value;

/// One document. Texts that another reader may take for something else are in double quotes; none
/// is broken into lines.
pub(super) fn document(value: &Value) -> String {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: false,
    };
    serde_saphyr::to_string_with_options(value, options)
        .expect("maps, lists, texts, numbers and switches have no reason to fail")
}
