package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tasuki/internal/edge/serve/native"
)

// nativeAPI is the surface below /api/v1/.
func (n *node) nativeAPI() http.Handler {
	return native.Handler(native.Options{Catalogue: n.catalogue, Authority: n.public, Continuity: webContinuity{n}, Status: n.nativeStatus, Proof: logSource{n}.Proof, News: n.news.next,
		Stopping: n.leaving.done, Now: n.now, BaseURL: n.cfg.BaseURL, Log: n.log})
}

func (n *node) nativeStatus(context.Context) (native.Status, error) {
	s := native.Status{List: n.chain.ListID()}
	if cp := n.checkpoint.Load(); cp != nil {
		s.Checkpoint, s.Signed = cp.Size, time.UnixMilli(cp.Time)
	}
	return s, nil
}

// news wakes whoever follows the log. The zero value is ready.
type news struct {
	mu   sync.Mutex
	wake chan struct{} // nil while nobody listens
}

// next gives a channel that is closed when there is news after this call.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake == nil {
		n.wake = make(chan struct{})
	}
	return n.wake
}

// tell wakes all who listen.
func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake != nil {
		close(n.wake)
		n.wake = nil
	}
}

// leaving says that the node is on its way out. Long answers end then: the door waits for answers under way.
type leaving struct {
	done  chan struct{}
	begin func()
}

func newLeaving() leaving {
	done := make(chan struct{})
	return leaving{done, sync.OnceFunc(func() { close(done) })}
}
