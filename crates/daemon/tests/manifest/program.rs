//! What the built program prints, and that it succeeds or fails.

pub(crate) use super::built::run;

/// A node of the mission's cluster.
pub(crate) const NODE: [&str; 5] =
    ["--interface=end0", "--address=192.168.20.140", "--controlplane", "--arp", "--leaderElection"];

/// What it writes to stdout and to stderr; it has to succeed.
pub(crate) fn both(args: &[&str], environment: &[(&str, &str)]) -> (String, String) {
    let output = run(args, environment);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// What it writes to stdout; it has to succeed without a word on stderr.
pub(crate) fn out(command: &[&str], flags: &[&str]) -> String {
    let (out, err) = both(&[command, flags].concat(), &[]);
    assert_eq!(err, "", "{command:?} {flags:?}");
    out
}

/// What it writes to stderr; it has to fail with 1, and without YAML on stdout.
pub(crate) fn err(args: &[&str]) -> String {
    let output = run(args, &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}
