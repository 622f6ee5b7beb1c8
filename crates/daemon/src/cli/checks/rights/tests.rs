//! What missing rights come to.

use serde_json::Value;

use super::*;
use crate::cli::report::Verdict;
use crate::drivers::lease::caller::CallerError;

fn row(right: &Right, answers: &[bool]) -> Row {
    let answers = right.verbs.iter().zip(answers).map(|(verb, may)| (*verb, Ok(*may))).collect();
    judge(right, Some("kube-system"), answers)
}

#[test]
fn electing_takes_rights_and_the_rest_goes_with_less() {
    let [electing, seeing, ..] = &RIGHTS;
    assert_eq!(row(electing, &[true, true, true]).result, Verdict::Ok);
    let lacking = row(electing, &[true, true, false]);
    assert_eq!(lacking.result, Verdict::Failed);
    assert_eq!(lacking.evidence, "not allowed in namespace kube-system: update");
    assert_eq!(row(seeing, &[false, false]).result, Verdict::Warning);
    let broken = vec![("get", Err(CallerError::Refused("401".to_owned()).into()))];
    assert_eq!(judge(electing, None, broken).result, Verdict::Unknown);
}

#[test]
fn the_manifest_for_users_gives_what_is_asked_for() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/rbac.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let documents = text.split("\n---\n").map(|one| serde_saphyr::from_str::<Value>(one).unwrap());
    let rules: Vec<_> =
        documents.flat_map(|one| one["rules"].as_array().cloned().unwrap_or_default()).collect();
    let has = |list: &Value, name: &str| list.as_array().unwrap().iter().any(|one| one == name);
    for right in &RIGHTS {
        for verb in right.verbs {
            let gives = |rule: &Value| {
                has(&rule["resources"], right.resource)
                    && has(&rule["apiGroups"], right.group)
                    && has(&rule["verbs"], verb)
            };
            assert!(rules.iter().any(gives), "{verb} {}", right.resource);
        }
    }
}
