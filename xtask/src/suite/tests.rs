//! Unit tests of `suite`.

use super::*;

fn metadata(tests: &[&str]) -> Metadata {
    let target =
        |name: &&str| format!(r#"{{"name": "{name}", "kind": ["test"], "src_path": "/x.rs"}}"#);
    let targets: Vec<String> = tests.iter().map(target).collect();
    let text = format!(
        r#"{{"target_directory": "/target", "packages": [{{"name": "p", "dependencies": [],
        "targets": [{{"name": "p", "kind": ["lib"]}}, {}]}}]}}"#,
        targets.join(", ")
    );
    serde_json::from_str(&text).expect("what cargo would say")
}

#[test]
fn the_name_of_a_file_says_which_part_it_is() {
    for (name, part) in [
        ("simulated", Part::Sim),
        ("model", Part::Sim),
        ("kernel", Part::Kernel),
        ("kernel_faults", Part::Kernel),
        ("cluster_static_pod", Part::Cluster),
        ("contract", Part::Cluster),
        ("golden_reference", Part::Unit),
    ] {
        assert_eq!(Part::of(name), part, "{name}");
    }
}

#[test]
fn each_part_selects_its_own_files() {
    let metadata = metadata(&["kernel_b", "kernel_a", "golden", "cluster", "simulated"]);
    let selected = |part| selection(part, &metadata).expect("it has tests").join(" ");
    assert_eq!(selected(Part::Unit), "--test golden --lib --bins");
    assert_eq!(selected(Part::Sim), "--test simulated");
    assert_eq!(selected(Part::Kernel), "--test kernel_a --test kernel_b");
    assert_eq!(selected(Part::Cluster), "--test cluster");
}

#[test]
fn a_part_without_tests_is_an_error() {
    let error = selection(Part::Kernel, &metadata(&["golden"])).expect_err("nothing to run");
    assert!(error.to_string().contains("kernel"), "{error}");
}

#[test]
fn unknown_parts_are_refused() {
    let error = command(&["everything".to_owned()]).expect_err("no such part");
    assert!(error.to_string().contains("\"everything\""), "{error}");
}

#[test]
fn the_table_has_every_part_and_the_sum() {
    let row = |name: &str, passed, seconds| Row {
        name: name.to_owned(),
        passed,
        took: Duration::from_secs(seconds),
    };
    let rows = [row("unit", true, 20), row("kernel", false, 70)];
    assert_eq!(
        table(&rows),
        "unit    ok              20 s\n\
         kernel  FAILED    1 min 10 s\n\
         total   FAILED    1 min 30 s"
    );
    assert!(verdict(&rows[..1]).is_ok());
    let error = verdict(&rows).expect_err("one failed");
    assert_eq!(error.to_string(), "failed: kernel");
}
