//! Which moves make sense, and what people are told of the others.

use super::*;

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn member(name: &str) -> Member {
    Member { node: node(name), fit: true, cordoned: false, gone: None }
}

fn held(holder: &str) -> LeaseRecord {
    LeaseRecord { holder: holder.to_owned(), ..LeaseRecord::default() }
}

fn refusal(to: &str, holder: &str, members: &[Member]) -> String {
    match check(&node(to), &held(holder), members) {
        Err(Ended::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fit_candidate_may_be_asked_for() {
    let members = [member("cp-1"), member("cp-2")];
    assert_eq!(check(&node("CP-2"), &held("cp-1"), &members), Ok("cp-1".to_owned()));
    let already = check(&node("cp-1"), &held("cp-1"), &members);
    assert_eq!(already, Err(Ended::Moved("cp-1 holds it already".to_owned())));
}

#[test]
fn what_is_in_the_way_is_said_with_what_is_there() {
    let unfit = Member { fit: false, ..member("cp-3") };
    let cordoned = Member { cordoned: true, ..member("cp-4") };
    let gone = Member { gone: Some(Duration::from_secs(95)), ..member("cp-5") };
    let members = [member("cp-1"), member("cp-2"), unfit, cordoned, gone];
    let there = "candidates: cp-1 (holder), cp-2, cp-3 (not fit), cp-4 (cordoned), cp-5 (gone)";
    for (to, why) in [
        ("cp-9", "cp-9 is no candidate"),
        ("cp-3", "cp-3 is not fit to hold it"),
        ("cp-4", "cp-4 is cordoned"),
        ("cp-5", "cp-5 has not renewed its candidate Lease for 95s"),
    ] {
        let text = refusal(to, "cp-1", &members);
        assert!(text.starts_with(why) && text.ends_with(there), "{text}");
    }
    assert!(refusal("cp-2", "", &members).starts_with("nobody holds it now"));
    assert!(refusal("cp-2", "old", &members).starts_with("its holder old is no candidate"));
    assert_eq!(refusal("cp-2", "old", &[]), "cp-2 is no candidate; there are no candidates");
}

#[test]
fn a_request_that_is_gone_while_the_holder_stays_was_turned_down() {
    let mut record = held("cp-1");
    assert!(turned_down(&record, "cp-1"));
    record.marks.move_to = Some(node("cp-2"));
    assert!(!turned_down(&record, "cp-1"));
    assert!(!turned_down(&held(""), "cp-1"), "it is being handed over");
}

#[test]
fn times_have_units() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(duration("30s"), seconds(30));
    assert_eq!(duration("30"), seconds(30));
    assert_eq!(duration("2m"), seconds(120));
    assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
    for wrong in ["", "s", "0s", "-1s", "1h", "1.5s", "2d", "1441m"] {
        assert_eq!(duration(wrong), None, "{wrong}");
    }
}
