// elector stands in for a node of the original in the lab's mixed clusters: client-go's own
// election about the same Lease, and around it what the original does with the address, in the
// original's order, late announcements and late removals included. It reads the original's
// settings from the environment and ignores arguments, so that it can be started in place of any
// kube-vip.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(log.Lmicroseconds)
	settings, err := read(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	holder, err := newHolder(settings)
	if err != nil {
		log.Fatal(err)
	}
	// Whatever an earlier life has left behind goes first.
	if err := holder.remove(); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := elect(ctx, settings, holder); err != nil {
		log.Fatal(err)
	}
	// A lost election ends the process: whoever started it starts it again.
}
