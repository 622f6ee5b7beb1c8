package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"syscall"
)

// change is a request of rtnetlink(7) with its flags and the answer that is as good as success.
type change struct {
	request uint16
	flags   uint16
	fine    syscall.Errno
}

var (
	addAddress = change{
		syscall.RTM_NEWADDR, syscall.NLM_F_CREATE | syscall.NLM_F_REPLACE, 0,
	}
	removeAddress = change{syscall.RTM_DELADDR, 0, syscall.EADDRNOTAVAIL}
)

// ifaCacheInfo is IFA_CACHEINFO of linux/if_addr.h, which package syscall does not name.
const ifaCacheInfo = 6

// changeAddress adds or removes an IPv4 address as the original does: scope global, preferred
// lifetime 0, valid for ever.
func changeAddress(change change, link int, address net.IP, prefix int) error {
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	defer syscall.Close(socket)
	var body bytes.Buffer
	body.Write([]byte{syscall.AF_INET, byte(prefix), 0, syscall.RT_SCOPE_UNIVERSE})
	put(&body, uint32(link))
	attribute(&body, syscall.IFA_LOCAL, address.To4())
	attribute(&body, syscall.IFA_ADDRESS, address.To4())
	var lifetimes bytes.Buffer
	for _, word := range []uint32{0, ^uint32(0), 0, 0} {
		put(&lifetimes, word)
	}
	attribute(&body, ifaCacheInfo, lifetimes.Bytes())

	var message bytes.Buffer
	put(&message, syscall.NlMsghdr{
		Len:   uint32(syscall.NLMSG_HDRLEN + body.Len()),
		Type:  change.request,
		Flags: syscall.NLM_F_REQUEST | syscall.NLM_F_ACK | change.flags,
		Seq:   1,
	})
	message.Write(body.Bytes())
	kernel := &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}
	if err := syscall.Sendto(socket, message.Bytes(), 0, kernel); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	return acknowledged(socket, change.fine)
}

func acknowledged(socket int, fine syscall.Errno) error {
	answer := make([]byte, 4096)
	length, _, err := syscall.Recvfrom(socket, answer, 0)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:length])
	if err != nil || len(messages) == 0 || messages[0].Header.Type != syscall.NLMSG_ERROR {
		return fmt.Errorf("rtnetlink: an answer that makes no sense: %v", err)
	}
	errno := syscall.Errno(-int32(binary.NativeEndian.Uint32(messages[0].Data)))
	if errno != 0 && errno != fine {
		return fmt.Errorf("rtnetlink: %w", errno)
	}
	return nil
}

func attribute(body *bytes.Buffer, kind uint16, content []byte) {
	put(body, syscall.RtAttr{Len: uint16(syscall.SizeofRtAttr + len(content)), Type: kind})
	body.Write(content)
}

func put(buffer *bytes.Buffer, value any) {
	if err := binary.Write(buffer, binary.NativeEndian, value); err != nil {
		panic(err) // a bytes.Buffer takes everything of a fixed size
	}
}

// openARP makes a socket of packet(7) for which the kernel writes the Ethernet header.
func openARP() (int, error) {
	kind := syscall.SOCK_DGRAM | syscall.SOCK_CLOEXEC
	socket, err := syscall.Socket(syscall.AF_PACKET, kind, 0)
	if err != nil {
		return 0, fmt.Errorf("packet socket: %w", err)
	}
	return socket, nil
}

// gratuitous is the original's announcement: as a reply its target is the sender, as a request
// everybody.
func gratuitous(sender net.HardwareAddr, address net.IP, reply bool) []byte {
	operation, target := uint16(1), net.HardwareAddr{255, 255, 255, 255, 255, 255}
	if reply {
		operation, target = 2, sender
	}
	packet := []byte{0, 1, 8, 0, 6, 4}
	packet = binary.BigEndian.AppendUint16(packet, operation)
	packet = append(append(packet, sender...), address.To4()...)
	return append(append(packet, target...), address.To4()...)
}

func sendARP(socket, link int, packet []byte) error {
	protocol := binary.NativeEndian.Uint16([]byte{8, 6})
	everybody := &syscall.SockaddrLinklayer{
		Protocol: protocol,
		Ifindex:  link,
		Halen:    6,
		Addr:     [8]uint8{255, 255, 255, 255, 255, 255},
	}
	return syscall.Sendto(socket, packet, 0, everybody)
}
