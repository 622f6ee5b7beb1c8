//! Tests of values in their wrapping.

use super::*;

fn of(text: &str) -> Result<Plain, Wrong> {
    let environment = BTreeMap::from([
        ("HOST_IP".to_owned(), "10.0.0.1".to_owned()),
        ("EMPTY".to_owned(), String::new()),
    ]);
    plain(text, &environment)
}

fn text(text: &str) -> String {
    of(text).expect("a value").text
}

#[test]
fn variables_are_replaced() {
    assert_eq!(text("$(HOST_IP)"), "10.0.0.1");
    assert_eq!(text("https://$(HOST_IP):6443$(EMPTY)"), "https://10.0.0.1:6443");
    assert_eq!(text("a$b$("), "a$b$(", "nothing is meant by that");
    let wrong = of("$(VIP)").expect_err("there is no such variable").wrong;
    assert_eq!(wrong, "$(VIP) stands for a variable that the environment has not");
}

#[test]
fn quotation_marks_and_white_space_are_taken_off() {
    for (written, quoted) in
        [("6443", false), (" 6443\n", false), ("\"6443\"", true), ("'6443' ", true)]
    {
        assert_eq!(of(written), Ok(Plain { text: "6443".to_owned(), quoted }), "{written:?}");
    }
    for odd in ["\"6443", "6443'", "\"a\",\"b\"", "\""] {
        assert_eq!(of(odd), Ok(Plain { text: odd.to_owned(), quoted: false }), "{odd}");
    }
    assert_eq!(text(""), "");
}
