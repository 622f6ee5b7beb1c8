//! What `kube-vip manifest` and `kube-vip kubeadm` print.

#[path = "manifest/asked.rs"]
mod asked;
#[path = "support/built.rs"]
mod built;
#[path = "manifest/golden.rs"]
mod golden;
#[path = "support/golden_file.rs"]
mod golden_file;
#[path = "manifest/program.rs"]
mod program;
