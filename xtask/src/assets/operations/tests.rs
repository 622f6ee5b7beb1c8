//! Unit tests of `assets::operations`.

use super::*;

#[test]
fn programs_are_found_where_the_release_has_them_and_links_are_not_taken() {
    let root = tempfile::tempdir().expect("a temporary directory");
    for place in ["bin", "sbin"] {
        fs::create_dir(root.path().join(place)).expect("made");
    }
    let file = root.path().join("sbin/ip");
    std::os::unix::fs::symlink("elsewhere", root.path().join("bin/ip")).expect("linked");
    let error = find(root.path(), "ip").expect_err("only a link").to_string();
    assert!(error.contains("ip: its package does not contain it"), "{error}");
    fs::write(&file, "").expect("written");
    assert_eq!(find(root.path(), "ip").expect("found"), file);
}

#[test]
fn a_script_runs_its_program_with_all_arguments() {
    let text = script(Path::new("/nowhere"), PathBuf::from("/bin/echo"));
    let output = std::process::Command::new("sh")
        .args(["-c", &text, "script", "a b", "c"])
        .output()
        .expect("run");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a b c\n");
}
