//! A small timeline, drawn.

use std::time::Duration;

use super::{Bar, Lane, Mark, Panel, Party, Shade, Span, human, strip, svg};

fn span(from: u64, to: u64) -> Span {
    Span { from: Duration::from_millis(from), to: Duration::from_millis(to) }
}

fn panel() -> Panel {
    let lane = |name: &str, party, bars: Vec<Bar>| Lane { name: name.to_owned(), party, bars };
    let bar = |shade, from, to| Bar { shade, span: span(from, to) };
    Panel {
        title: "kill -9 <daemon>".to_owned(),
        note: "a & b".to_owned(),
        lanes: vec![
            lane("node1", Party::Node, vec![bar(Shade::Has, 0, 500), bar(Shade::Answers, 0, 250)]),
            lane("node2", Party::Node, vec![bar(Shade::Answers, 500, 1000)]),
            lane("client", Party::Client, vec![bar(Shade::Gone, 250, 500)]),
        ],
        marks: vec![Mark { at: Duration::from_millis(250), text: "node1 <dies>".to_owned() }],
        ended: Duration::from_secs(1),
    }
}

#[test]
fn a_strip_has_a_sign_for_each_meaning() {
    let expected = [
        "             ▼",
        "node1   █████▒▒▒▒▒··········",
        "node2   ··········██████████",
        "client  ─────×××××──────────",
        "        0              1.0 s",
        "",
    ]
    .join("\n");
    assert_eq!(strip(&panel(), 20), expected);
}

#[test]
fn an_svg_is_well_formed_and_escaped() {
    let text = svg("Three nodes & one address", &[(Shade::Gone, "no <answer>")], &[panel()]);
    assert!(text.contains("Three nodes &amp; one address") && text.contains("a &amp; b"));
    assert!(text.contains("kill -9 &lt;daemon&gt;") && text.contains("node1 &lt;dies&gt;"));
    assert!(text.contains("no &lt;answer&gt;"));
    for tag in ["svg", "text", "style", "title"] {
        let opened = text.matches(&format!("<{tag}")).count();
        assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn spans_are_written_for_people() {
    let table = [(0, "0"), (1_500, "1.5 ms"), (12_000, "12 ms"), (1_234_000, "1.23 s")];
    for (micros, text) in table {
        assert_eq!(human(Duration::from_micros(micros)), text);
    }
}

#[test]
fn spans_overlap_in_what_they_share() {
    assert_eq!(span(0, 10).overlap(span(5, 20)), Some(span(5, 10)));
    assert_eq!(span(0, 10).overlap(span(10, 20)), None);
    assert_eq!(span(5, 10).length(), Duration::from_millis(5));
}
