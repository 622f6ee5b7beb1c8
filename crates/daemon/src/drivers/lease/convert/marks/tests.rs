//! What nodes tell each other, written and read back.

use serde_json::json;

use super::*;

fn node(name: &str) -> Option<NodeName> {
    NodeName::new(name).ok()
}

fn all() -> Marks {
    Marks {
        boot: Some("b-1".to_owned()),
        offer: Some(Offer { to: node("cp-2").unwrap(), nonce: Nonce("n 1".to_owned()) }),
        successor: node("cp-3"),
        move_to: node("cp-4"),
    }
}

fn object(annotations: Value) -> Value {
    json!({ "metadata": { "annotations": annotations } })
}

#[test]
fn marks_are_annotations() {
    let mut annotations = Map::new();
    annotations.insert("note".to_owned(), "kept".into());
    write(&mut annotations, &all());
    let expected = json!({
        "note": "kept",
        "kube-vip.io/boot-id": "b-1",
        "kube-vip.io/offer": "cp-2 n 1",
        "kube-vip.io/successor": "cp-3",
        "kube-vip.io/move-to": "cp-4",
    });
    assert_eq!(Value::from(annotations.clone()), expected);
    assert_eq!(read(&object(annotations.clone().into())), all());
    write(&mut annotations, &Marks::default());
    assert_eq!(Value::from(annotations), json!({ "note": "kept" }));
}

#[test]
fn what_makes_no_sense_is_not_there() {
    for wrong in [
        Value::Null,
        json!({}),
        json!({ "kube-vip.io/offer": "cp-2" }),
        json!({ "kube-vip.io/offer": " n" }),
        json!({ "kube-vip.io/offer": 5, "kube-vip.io/boot-id": null }),
        json!({ "kube-vip.io/move-to": "not a node", "kube-vip.io/successor": "" }),
    ] {
        assert_eq!(read(&object(wrong.clone())), Marks::default(), "{wrong}");
    }
    assert_eq!(read(&object(json!({ "kube-vip.io/move-to": "CP-2" }))).move_to, node("cp-2"));
}
