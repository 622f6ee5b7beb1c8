//! What `kube-vip completion` and `kube-vip man` print.

#[path = "support/built.rs"]
mod built;

use std::process::{Command, Output, Stdio};

use kube_vip::settings::definition::Effect;
use kube_vip::settings::definitions;

fn run(args: &[&str]) -> Output {
    built::run(args, &[])
}

fn out(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What bash offers behind these words.
fn offered(words: &[&str]) -> String {
    let last = words.len() - 1;
    let script = format!(
        "{}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\n\
         _kube__vip kube-vip '{}' '{}'\necho \"${{COMPREPLY[@]}}\"\n",
        out(&["completion", "bash"]),
        words.join(" "),
        words[last],
        words[last - 1],
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-s"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bash = bash.spawn().expect("bash can be started");
    let mut stdin = bash.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, script.as_bytes()).expect("bash reads");
    drop(stdin);
    let output = bash.wait_with_output().expect("bash ends");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn bash_completes_commands_and_settings() {
    assert_eq!(offered(&["kube-vip", "manif"]), "manifest");
    assert_eq!(offered(&["kube-vip", "manifest", "d"]), "daemonset");
    assert_eq!(offered(&["kube-vip", "manager", "--vipSub"]), "--vipSubnet");
    assert_eq!(offered(&["kube-vip", "manifest", "pod", "--distribution", ""]), "kubeadm k3s rke2");
    assert_eq!(offered(&["kube-vip", "manifest", "daemonset", "--tai"]), "--taint");
    for hidden in ["star", "failover-g"] {
        assert_eq!(offered(&["kube-vip", hidden]), "", "it is not in the help either");
    }
}

#[test]
fn every_shell_gets_every_flag() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = out(&["completion", shell]);
        for definition in definitions::all().filter(|one| one.effect() == Effect::Counts) {
            if let Some(flag) = definition.flag {
                assert!(script.contains(flag.long), "{shell}: {}", flag.long);
            }
        }
    }
    assert_eq!(run(&["completion", "tcsh"]).status.code(), Some(1));
    assert_eq!(run(&["completion"]).status.code(), Some(1));
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = out(&["man"]);
    assert!(page.contains(".TH kube-vip 8 "), "{page}");
    for command in ["manager", "move", "manifest", "kubeadm", "completion", "settings"] {
        assert!(page.contains(&format!("\nkube\\-vip\\-{command}(8)\n")), "{command}: {page}");
        let page = out(&["man", command]);
        assert!(page.contains(&format!(".TH kube-vip-{command} 8 ")), "{page}");
    }
    let page = out(&["man", "manifest", "pod"]);
    assert!(page.contains(".TH kube-vip-manifest-pod 8 ") && page.contains("inCluster"), "{page}");
    let output = run(&["man", "manifest", "pdo"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, b"kube-vip has no command \"manifest pdo\"\n");
}

#[test]
fn the_managers_page_has_every_setting_that_counts() {
    let page = out(&["man", "manager"]).replace("\\-", "-");
    for definition in definitions::all().filter(|one| one.effect() == Effect::Counts) {
        for name in definition.env.iter().copied().chain(definition.flag.map(|flag| flag.long)) {
            assert!(page.contains(name), "{name}");
        }
    }
}
