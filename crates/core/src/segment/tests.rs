//! One language over two protocols: what is asked and announced comes back from the wire.

use proptest::prelude::*;

use super::*;

const MAC: Mac = Mac([2, 0, 0, 0, 0, 10]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 11]);

fn asker() -> Asker {
    let addresses = ["192.168.20.1", "fe80::1"].map(|text| text.parse().expect("an address"));
    Asker { mac: MAC, addresses: addresses.to_vec() }
}

#[test]
fn a_question_is_asked_in_the_name_of_the_same_family() {
    for (wanted, own) in [("192.168.20.140", "192.168.20.1"), ("fd00::140", "fe80::1")] {
        let question = asker().question(wanted.parse().expect("an address"));
        assert_eq!(question.asker.address.to_string(), own);
        for to in [Mac::BROADCAST, OTHER] {
            let (header, said) = Said::parse(&question.frame(to)).expect("what we say is valid");
            assert_eq!(said, Said::Question(question));
            assert_eq!(header.source, MAC);
            assert_eq!(header.destination == to, to == OTHER || question.address.is_ipv4());
            assert_eq!(said.probed(), None);
        }
    }
}

#[test]
fn without_an_address_of_its_own_a_node_still_asks() {
    let nobody = Asker { mac: MAC, addresses: Vec::new() };
    let four = nobody.question("192.168.20.140".parse().expect("an address"));
    assert!(four.asker.address.is_unspecified());
    let six = nobody.question("fd00::140".parse().expect("an address"));
    assert_eq!(six.asker.address, IpAddr::from(link_local(MAC)));
    for question in [four, six] {
        let (_, said) = Said::parse(&question.frame(Mac::BROADCAST)).expect("valid");
        assert_eq!(said, Said::Question(question));
    }
}

#[test]
fn whoever_hears_an_announcement_learns_the_station() {
    for address in ["192.168.20.140", "fd00::140"] {
        let station = Station { mac: MAC, address: address.parse().expect("an address") };
        for frame in announcement(station) {
            let (header, said) = Said::parse(&frame).expect("valid");
            assert_eq!((said.sender(), header.source), (station, MAC));
            assert!(!said.answers(OTHER));
        }
    }
}

#[test]
fn a_solicited_advertisement_answers_who_asked() {
    let six = "fd00::140".parse().expect("an address");
    let answer = ndp::Packet::answer((OTHER, six), link_local(MAC));
    let (_, said) = Said::parse(&answer.frame(OTHER, MAC)).expect("valid");
    assert!(said.answers(MAC));
    assert_eq!(said.sender(), Station { mac: OTHER, address: six.into() });
}

#[test]
fn a_probe_of_either_family_is_one() {
    let four = arp::Packet::probe(OTHER, [192, 168, 20, 140].into()).broadcast();
    let six = "fd00::140".parse().expect("an address");
    let nobody = std::net::Ipv6Addr::UNSPECIFIED;
    let six = ndp::Packet::solicitation((OTHER, nobody), six).frame(OTHER, Mac::BROADCAST);
    for (frame, address) in [(four.to_vec(), "192.168.20.140"), (six, "fd00::140")] {
        let (_, said) = Said::parse(&frame).expect("valid");
        assert_eq!(said.probed(), Some(address.parse().expect("an address")));
        assert_eq!(said.sender().mac, OTHER);
    }
}

proptest! {
    #[test]
    fn bytes_of_anybody_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _refused_or_not = Said::parse(&bytes);
    }
}
