//! Unit tests of `dist`.

use super::*;

#[test]
fn what_is_too_large_is_refused() {
    assert!(within("kube-vip-linux-amd64", 10_000_000, PROGRAM_BUDGET).is_ok());
    let error = within("kube-vip-linux-arm64", 10_000_001, PROGRAM_BUDGET).expect_err("too large");
    let text = error.to_string();
    assert!(text.contains("kube-vip-linux-arm64") && text.contains("10000001"), "{text}");
}

#[test]
fn the_table_has_sizes_and_times() {
    let line = |name: &str, size, took: Option<u64>| Line {
        name: name.to_owned(),
        size,
        took: took.map(Duration::from_secs),
    };
    let lines = [line("kube-vip", 5_004_999, Some(181)), line("image linux/amd64", 10, None)];
    assert_eq!(
        table(&lines),
        "kube-vip             5.00 MB    3 min 01 s\n\
         image linux/amd64    0.00 MB"
    );
}

#[test]
fn what_is_handed_out_is_what_was_made_and_nothing_older() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let directory = parent.path().join("dist");
    let program = |architecture| (architecture, b"program".to_vec());
    let both = [program(Architecture::Amd64), program(Architecture::Arm64)];
    let image = image(IMAGE, None, &both).expect("an image");
    let texts = [("kube-vip.8", b"page".to_vec()), ("kube-vip.bash", b"script".to_vec())];
    hand_out(&directory, &both, &texts, &image).expect("it can be written");
    hand_out(&directory, &both[1..], &texts[..1], &image).expect("it can be written again");
    let mut names: Vec<_> = fs::read_dir(&directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, [SUMS_FILE, IMAGE_FILE, "kube-vip-linux-arm64", "kube-vip.8"]);
    let mode = fs::metadata(directory.join("kube-vip-linux-arm64")).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o755);
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--status", SUMS_FILE]).current_dir(&directory);
    assert!(check.status().expect("sha256sum runs").success());
    let sums = fs::read_to_string(directory.join(SUMS_FILE)).expect("a file");
    assert_eq!(sums.lines().count(), 3);
}
