//! The command line, as the built program has it.

#[path = "support/built.rs"]
mod built;
#[path = "support/golden_file.rs"]
mod golden_file;

use built::run;

/// What it writes to stdout; it has to succeed without a word on stderr.
fn out(args: &[&str]) -> String {
    let output = run(args, &[]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What it writes to stderr; it has to fail with 1 and nothing on stdout.
fn err(args: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(args, environment);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn help_is_as_it_was_read() {
    golden_file::check("crates/daemon/tests/golden/help.txt", &out(&["--help"]));
    golden_file::check("crates/daemon/tests/golden/help-manager.txt", &out(&["manager", "--help"]));
    golden_file::check("crates/daemon/tests/golden/help-move.txt", &out(&["move", "--help"]));
    for command in ["cleanup", "status", "watch", "failover-test"] {
        let path = format!("crates/daemon/tests/golden/help-{command}.txt");
        golden_file::check(&path, &out(&[command, "--help"]));
    }
    for kind in ["pod", "daemonset", "rbac"] {
        let path = format!("crates/daemon/tests/golden/help-manifest-{kind}.txt");
        golden_file::check(&path, &out(&["manifest", kind, "--help"]));
    }
    let join = "crates/daemon/tests/golden/help-kubeadm-join.txt";
    golden_file::check(join, &out(&["kubeadm", "join", "--help"]));
    golden_file::check(
        "crates/daemon/tests/golden/help-settings.txt",
        &out(&["settings", "--help"]),
    );
}

#[test]
fn help_is_found_where_people_look_for_it() {
    assert_eq!(out(&[]), out(&["--help"]));
    assert_eq!(out(&["-h"]), out(&["--help"]));
    assert_eq!(out(&["help", "manager"]), out(&["manager", "--help"]));
    assert_eq!(out(&["manager", "-h"]), out(&["manager", "--help"]));
}

#[test]
fn no_line_of_help_is_too_wide() {
    for line in out(&["manager", "--help"]).lines() {
        assert!(line.chars().count() <= 100 && !line.ends_with(' '), "{line:?}");
    }
}

#[test]
fn settings_are_shown_as_table_and_one_by_one() {
    golden_file::check("crates/daemon/tests/golden/settings.txt", &out(&["settings"]));
    let one = out(&["settings", "vip_subnet"]);
    assert!(one.starts_with("vip_subnet (--vipSubnet)\n  Prefix length"), "{one}");
    assert_eq!(out(&["settings", "vipSubnet"]), one);
    assert_eq!(
        err(&["settings", "vip_apr", "x"], &[]),
        "no setting has the name \"vip_apr\"; is vip_arp meant?\nno setting has the name \"x\"\n"
    );
}

#[test]
fn version_has_three_lines() {
    let text = out(&["version"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "Kube-VIP Release Information");
    assert_eq!(lines[1], format!("Version:  v{}", env!("CARGO_PKG_VERSION")));
    assert!(lines[2].starts_with("Build:    "));
}

#[test]
fn commands_that_are_not_here_say_what_to_do() {
    for (args, part) in [
        (&["start", "-c", "config.yaml"][..], "write kube-vip manager"),
        (&["service", "--configMap=plndr"], "write kube-vip manager"),
        (&["sample"], "see kube-vip settings"),
    ] {
        let text = err(args, &[]);
        assert!(text.starts_with(&format!("kube-vip {}: ", args[0])), "{text}");
        assert!(text.contains(part) && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn a_command_line_that_is_wrong_fails_with_one() {
    for (args, part) in [
        (&["manger"][..], "'manager'"),
        (&["manager", "--adress=1"], "similar argument exists: '--address'"),
        (&["manager", "--port"], "a value is required for '--port <port>'"),
    ] {
        let text = err(args, &[]);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_move_that_makes_no_sense_fails_with_one() {
    for (args, part) in [
        (&["move"][..], "--to <NODE>"),
        (&["move", "--to", "a b"], "--to: \"a b\" is no node name"),
        (&["move", "--to", "b", "--timeout", "soon"], "--timeout: \"soon\" is no time"),
        (&["move", "--to", "b", "--lease", "A/B"], "vip_leasename"),
        (&["move", "--to", "b", "--kubeconfig", "/nowhere/config"], "/nowhere/config"),
    ] {
        let text = err(args, &[]);
        assert!(text.contains(part), "{args:?}: {text}");
    }
}

#[test]
fn wrong_settings_fail_with_one_whatever_the_host_is_like() {
    let text = err(&["manager"], &[("vip_subnet", "33,128")]);
    for part in ["4 settings are wrong", "vip_arp (--arp)", "vip_subnet (--vipSubnet)"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn flags_stand_before_and_behind_the_command() {
    for args in [
        &["manager", "--port", "0", "--log", "-4"][..],
        &["--port", "0", "--log=-4", "manager"],
        &["--port=1", "manager", "--port=0", "--log", "-4"],
        &["manager", "--port=1", "--port", "0", "-n", "infra"],
        &["manager", "--port=0", "-ninfra", "--arp", "--controlplane=T"],
    ] {
        let text = err(args, &[]);
        assert!(text.contains("given  \"0\", by the flag --port\n"), "{args:?}: {text}");
        assert!(!text.contains("cp_namespace") && !text.contains("vip_loglevel"), "{text}");
    }
}

#[test]
fn a_switch_alone_is_true_and_takes_no_word() {
    let text = err(&["manager", "--arp", "false"], &[]);
    assert!(!text.contains("vip_arp (--arp)"), "{text}");
    assert!(text.contains("false: ignored, it belongs to no flag"), "{text}");
    let text = err(&["manager", "--arp=false"], &[]);
    assert!(text.contains("given  \"false\", by the flag --arp"), "{text}");
}
