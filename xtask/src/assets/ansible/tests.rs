//! Unit tests of `assets::ansible`.

use super::*;

#[test]
fn a_script_finds_the_python_beside_it_through_a_link() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (own, link) = (directory.path().join("bin"), directory.path().join("linked"));
    fs::create_dir(&own).expect("made");
    std::os::unix::fs::symlink("/bin/echo", own.join("python3")).expect("a Python that echoes");
    let (script, other) = (own.join("program"), own.join("activate"));
    fs::copy("/bin/sh", &script).expect("copied with its mode");
    let text = format!("#!{}/python3\nprint()\n", own.display());
    fs::write(&script, text).expect("written");
    fs::write(&other, "#!/bin/sh\n").expect("written");
    std::os::unix::fs::symlink(&script, &link).expect("linked");
    detach_all(&own).expect("rewritten");
    let output = Command::new(&link).arg("word").output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.trim(), format!("{} word", link.display()));
    assert_eq!(fs::read_to_string(&other).expect("read"), "#!/bin/sh\n");
}

#[test]
fn every_requirement_has_hashes_and_no_index_is_named() {
    let text = fs::read_to_string(Ansible::read().expect("requirements").requirements);
    let text = text.expect("read");
    let joined = text.replace("\\\n", "");
    let pinned: Vec<&str> = joined.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(pinned.iter().any(|line| line.starts_with("ansible-core==2.19.")), "{joined}");
    for line in pinned {
        assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
    }
    assert!(!text.contains("://"), "an address of an index");
}
