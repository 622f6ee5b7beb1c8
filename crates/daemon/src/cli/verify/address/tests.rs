//! What answers come to.

use kube_vip_core::address::Mac;
use serde_json::Value;

use super::*;

fn socket() -> SocketAddr {
    "192.168.20.140:6443".parse().unwrap()
}

fn answered(status: StatusCode) -> Result<Answered, CallerError> {
    Ok(Answered {
        status,
        body: Value::Null,
        words: status.to_string(),
        date: None,
        from: String::new(),
    })
}

#[test]
fn the_address_answers_those_who_are_known() {
    assert_eq!(known(socket(), answered(StatusCode::OK)).result, Verdict::Ok);
    assert_eq!(
        known(socket(), answered(StatusCode::INTERNAL_SERVER_ERROR)).result,
        Verdict::Failed
    );
    let broken = CallerError::Unreachable("connection refused".to_owned());
    assert_eq!(known(socket(), Err(broken)).result, Verdict::Failed);
    let nothing = CallerError::NoCredentials("none".to_owned());
    assert_eq!(known(socket(), Err(nothing)).result, Verdict::Unknown);
}

#[test]
fn whether_nobody_gets_an_answer_is_the_clusters_choice() {
    let shown = |status: u16| {
        let status = StatusCode::from_u16(status).expect("a status");
        Ok(Served { certificate: None, status, line: "ok".to_owned() })
    };
    assert!(anonymous(socket(), shown(200)).evidence.ends_with("answers 200: ok"));
    let row = anonymous(socket(), shown(401));
    assert_eq!(row.result, Verdict::Ok);
    assert!(row.evidence.starts_with("answers, anonymous requests refused (401)"));
    assert_eq!(anonymous(socket(), shown(500)).result, Verdict::Warning);
    assert_eq!(anonymous(socket(), Err(ServedError::Slow(socket()))).result, Verdict::Failed);
}

#[test]
fn without_rights_the_neighbour_table_tells_one_who_answers() {
    let mac = Mac([2, 0, 0, 0, 0, 1]);
    let owners =
        Owners { holder: Some("cp-1".to_owned()), names: [(mac, "cp-1".to_owned())].into() };
    let found = |others: &[Mac]| {
        let seen = Seen { local: None, others: others.iter().copied().collect() };
        let rows = from_table(&seen, &owners).into_iter();
        rows.map(|row| (row.check, row.result)).collect::<Vec<_>>()
    };
    let skipped = ("arp-one", Verdict::Skipped);
    assert_eq!(found(&[mac]), [skipped, ("arp-holder", Verdict::Ok)]);
    assert_eq!(found(&[]), [skipped, ("arp-holder", Verdict::Skipped)]);
    let stranger = Mac([2, 0, 0, 0, 0, 9]);
    assert_eq!(found(&[stranger]), [skipped, ("arp-holder", Verdict::Failed)]);
}
