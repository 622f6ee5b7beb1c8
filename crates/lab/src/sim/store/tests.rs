//! The store refuses what a real one refuses.

use std::time::Duration;

use kube_vip_core::event::{Failure, LeaseWrite, Marks, Nonce, Observation, Stamp, Version};

use super::Store;

fn write(version: Option<&Version>, holder: &str) -> LeaseWrite {
    LeaseWrite {
        version: version.cloned(),
        holder: holder.to_owned(),
        duration: Duration::from_secs(5),
        transitions: 1,
        acquired: Stamp::Now,
        nonce: Nonce("a-1".to_owned()),
        marks: Marks::default(),
    }
}

fn created(store: &mut Store) -> Observation {
    store.write(&write(None, "a"), 17, 0).expect("there is none yet")
}

#[test]
fn a_write_must_name_the_current_version() {
    let mut store = Store::new(None, true);
    assert_eq!(store.read(), None);
    let old = Version("1".to_owned());
    assert_eq!(store.write(&write(Some(&old), "a"), 17, 0), Err(Failure::Gone));
    let first = created(&mut store);
    assert_eq!(store.write(&write(None, "b"), 17, 0), Err(Failure::Conflict));
    let second = store.write(&write(Some(&first.version), "b"), 18, 3).expect("it is current");
    assert_eq!(store.write(&write(Some(&first.version), "c"), 19, 0), Err(Failure::Conflict));
    assert_eq!(store.read(), Some(second));
    assert_eq!(store.holder(), Some("b"));
}

#[test]
fn times_are_the_writers() {
    let mut store = Store::new(None, true);
    let first = created(&mut store);
    assert_eq!((first.record.acquired, first.record.renewed), (Some(17), Some(17)));
    let mut renewal = write(Some(&first.version), "a");
    renewal.acquired = Stamp::Keep(first.record.acquired);
    let second = store.write(&renewal, 20, 0).expect("it is current");
    assert_eq!((second.record.acquired, second.record.renewed), (Some(17), Some(20)));
}

#[test]
fn an_annotation_makes_a_new_version_of_the_same() {
    let mut store = Store::new(None, true);
    assert!(!store.touch());
    let first = created(&mut store);
    assert!(store.touch());
    let touched = store.read().expect("it is there");
    assert_ne!(touched.version, first.version);
    assert_eq!(touched.record, first.record);
    assert_eq!(store.read_former(0), Some(first));
}

#[test]
fn a_sabotaged_store_takes_everything() {
    let mut store = Store::new(None, false);
    created(&mut store);
    assert!(store.write(&write(None, "b"), 18, 0).is_ok());
    assert_eq!(store.holder(), Some("b"));
}
