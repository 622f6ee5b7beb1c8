package main

import (
	"context"
	"log"
	"sync"
	"time"
)

// holder is what the original does with the address.
type holder struct {
	*settings
	socket int
	// The announcer's clock runs from the start, whoever leads: the first announcement of a
	// new leader waits for its next tick.
	ticks *time.Ticker
	reply bool

	mutex sync.Mutex
	ended bool
}

func newHolder(s *settings) (*holder, error) {
	socket, err := openARP()
	if err != nil {
		return nil, err
	}
	return &holder{settings: s, socket: socket, ticks: time.NewTicker(s.announce)}, nil
}

// hold has the address, puts it back if somebody removes it, and announces it, until ctx is done.
func (h *holder) hold(ctx context.Context) {
	h.add()
	for {
		select {
		case <-h.ticks.C:
			h.add()
			h.announce()
		case <-ctx.Done():
			if err := h.end(); err != nil {
				log.Print(err)
			}
			return
		}
	}
}

// end removes the address, and it does not come back.
func (h *holder) end() error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.ended = true
	return h.remove()
}

func (h *holder) add() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.ended {
		return
	}
	if err := changeAddress(addAddress, h.link.Index, h.address, h.prefix); err != nil {
		log.Printf("cannot add %v: %v", h.address, err)
	}
}

// remove is content if the address is not there.
func (h *holder) remove() error {
	return changeAddress(removeAddress, h.link.Index, h.address, h.prefix)
}

// announce sends one gratuitous ARP: replies and requests in turn, a reply first.
func (h *holder) announce() {
	h.reply = !h.reply
	packet := gratuitous(h.link.HardwareAddr, h.address, h.reply)
	if err := sendARP(h.socket, h.link.Index, packet); err != nil {
		log.Printf("cannot announce %v: %v", h.address, err)
	}
}
