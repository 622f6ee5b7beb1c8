//! The daemon under test.

use std::path::PathBuf;

/// Where it is, as `KUBE_VIP_BIN` says.
pub(crate) fn program() -> PathBuf {
    let path = std::env::var_os("KUBE_VIP_BIN")
        .expect("KUBE_VIP_BIN names the daemon; `cargo xtask test` builds and names it");
    PathBuf::from(path).canonicalize().expect("the daemon of KUBE_VIP_BIN is there")
}
