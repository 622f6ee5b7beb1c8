package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// settings are the original's, by its names for them.
type settings struct {
	link      *net.Interface
	address   net.IP
	prefix    int
	namespace string
	lease     string
	node      string
	config    string
	duration  time.Duration
	deadline  time.Duration
	retry     time.Duration
	announce  time.Duration
	// linger is this program's own: for how long the address outlives the Lease's release. The
	// original removes its node's label in between, if it was told to keep one: a request that
	// may take 30 s. Nothing orders the two otherwise.
	linger time.Duration
}

func read(variable func(string) string) (*settings, error) {
	link, err := net.InterfaceByName(variable("vip_interface"))
	if err != nil {
		return nil, fmt.Errorf("vip_interface %q: %w", variable("vip_interface"), err)
	}
	address := net.ParseIP(variable("address")).To4()
	if address == nil {
		return nil, fmt.Errorf("address %q is no IPv4 address", variable("address"))
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	s := &settings{
		link:      link,
		address:   address,
		namespace: variable("cp_namespace"),
		lease:     or(variable("vip_leasename"), "plndr-cp-lock"),
		node:      strings.ToLower(or(variable("vip_nodename"), host)),
		config:    variable("KUBECONFIG"),
	}
	number := func(name string, otherwise int) int {
		if text := variable(name); text != "" && err == nil {
			otherwise, err = strconv.Atoi(strings.TrimPrefix(text, "/"))
		}
		return otherwise
	}
	s.prefix = number("vip_subnet", 32)
	s.duration = time.Duration(number("vip_leaseduration", 15)) * time.Second
	s.deadline = time.Duration(number("vip_renewdeadline", 10)) * time.Second
	s.retry = time.Duration(number("vip_retryperiod", 2)) * time.Second
	s.announce = time.Duration(number("vip_arpRate", 3000)) * time.Millisecond
	s.linger = time.Duration(number("elector_linger", 0)) * time.Millisecond
	return s, err
}

// or is the text, or what counts where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
