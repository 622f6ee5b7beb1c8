//! How rows are shown, and what they come to.

use super::*;

fn report() -> Report {
    let mut report = Report::new("verify");
    report.push(Row::ok("holder", "cp-1 holds it"));
    report.push(Row::failed("arp", "two nodes answer for it", "end one of them").of("10.0.0.9"));
    report.push(Row::skipped("fence", "run on a node"));
    report
}

#[test]
fn a_table_has_result_name_evidence_and_remedy() {
    let expected = "\
ok       holder        cp-1 holds it
failed   arp 10.0.0.9  two nodes answer for it
                         → end one of them
skipped  fence         run on a node

verify: failed (1 failed, 1 ok, 1 skipped)
";
    assert_eq!(report().table(Style::default()), expected);
}

#[test]
fn a_narrow_terminal_breaks_lines_and_colours_words() {
    let mut report = Report::new("verify");
    report.push(Row::ok("holder", "one two three four five six seven eight nine ten"));
    let text = report.table(Style { colour: true, width: Some(40) });
    let expected = "\u{1b}[32mok     \u{1b}[0m  holder  one two three four five six\n\
                    \u{20}                seven eight nine ten\n\nverify: ok (1 ok)\n";
    assert_eq!(text, expected);
}

#[test]
fn programs_read_stable_names() {
    let mut report = report();
    report.detail = serde_json::json!({ "outage_ms": 12 });
    let read: Value = serde_json::from_str(&report.json()).unwrap();
    let expected = serde_json::json!({
        "command": "verify",
        "version": VERSION,
        "result": "failed",
        "rows": [
            { "check": "holder", "subject": null, "result": "ok", "evidence": "cp-1 holds it",
              "remedy": null },
            { "check": "arp", "subject": "10.0.0.9", "result": "failed",
              "evidence": "two nodes answer for it", "remedy": "end one of them" },
            { "check": "fence", "subject": null, "result": "skipped", "evidence": "run on a node",
              "remedy": null },
        ],
        "detail": { "outage_ms": 12 },
    });
    assert_eq!(read, expected);
}

#[test]
fn the_worst_row_counts_and_what_is_skipped_does_not() {
    let of = |rows: &[Row]| {
        let report = Report { rows: rows.to_vec(), ..Report::new("preflight") };
        (report.result(), report.result().code())
    };
    let (ok, skipped) = (Row::ok("a", "b"), Row::skipped("a", "b"));
    let (warning, unknown) = (Row::warning("a", "b", "c"), Row::unknown("a", "b", "c"));
    let failed = Row::failed("a", "b", "c");
    assert_eq!(of(&[]), (Verdict::Ok, EXIT_OK));
    assert_eq!(of(std::slice::from_ref(&skipped)), (Verdict::Ok, EXIT_OK));
    assert_eq!(of(&[ok.clone(), warning.clone()]), (Verdict::Warning, EXIT_OK));
    assert_eq!(of(&[unknown.clone(), warning, skipped]), (Verdict::Unknown, EXIT_UNKNOWN));
    assert_eq!(of(&[unknown, failed, ok]), (Verdict::Failed, EXIT_FAILED));
}
