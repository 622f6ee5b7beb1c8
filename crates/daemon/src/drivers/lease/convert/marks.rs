//! The annotations by which nodes of ours speak to each other.

use kube_vip_core::address::NodeName;
use kube_vip_core::event::{
    BOOT_ANNOTATION, MOVE_ANNOTATION, Marks, Nonce, OFFER_ANNOTATION, Offer, SUCCESSOR_ANNOTATION,
};
use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// What the object's annotations say; what makes no sense is not there.
pub(super) fn read(object: &Value) -> Marks {
    let text = |name: &str| object["metadata"]["annotations"][name].as_str();
    let node = |name: &str| text(name).and_then(|name| NodeName::new(name).ok());
    Marks {
        boot: text(BOOT_ANNOTATION).map(ToOwned::to_owned),
        offer: text(OFFER_ANNOTATION).and_then(offer),
        successor: node(SUCCESSOR_ANNOTATION),
        move_to: node(MOVE_ANNOTATION),
    }
}

fn offer(text: &str) -> Option<Offer> {
    let (node, nonce) = text.split_once(' ')?;
    Some(Offer { to: NodeName::new(node).ok()?, nonce: Nonce(nonce.to_owned()) })
}

/// Makes the annotations say exactly this.
pub(super) fn write(annotations: &mut Map<String, Value>, marks: &Marks) {
    let offer = marks.offer.as_ref().map(|offer| format!("{} {}", offer.to, offer.nonce.0));
    let node = |node: &Option<NodeName>| node.as_ref().map(ToString::to_string);
    for (name, value) in [
        (BOOT_ANNOTATION, marks.boot.clone()),
        (OFFER_ANNOTATION, offer),
        (SUCCESSOR_ANNOTATION, node(&marks.successor)),
        (MOVE_ANNOTATION, node(&marks.move_to)),
    ] {
        match value {
            Some(value) => drop(annotations.insert(name.to_owned(), value.into())),
            None => drop(annotations.remove(name)),
        }
    }
}
