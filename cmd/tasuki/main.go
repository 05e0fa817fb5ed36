// Tasuki is the CVE ecosystem in one binary: a node that holds a verifiable copy of the CVE List and answers in the protocols
// that the field's tools already speak.
//
// This package is the only one that knows all the parts: it reads flags and configuration, opens a data directory, wires the
// services to their surfaces, and offers the commands. Every command lives in the file of its name.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	// The first Ctrl-C asks for a consistent end; stop, called at once, gives the second one its usual force.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	p := &Program{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Now:     time.Now,
		Rand:    rand.Reader,
		Backend: backend(),
	}
	os.Exit(p.Run(ctx, os.Args[1:]))
}
