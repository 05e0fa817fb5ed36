package gate

import (
	"context"
	"sync"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// Receipt notes what the commands of one request committed, for a surface that tells its caller what became of it. It is
// safe for concurrent use.
type Receipt struct {
	mu       sync.Mutex
	size     int64
	reserved bool
	events   []ledger.Hash
}

type receiptKey struct{}

// WithReceipt lets every command that is done under the returned context note itself in the receipt.
func WithReceipt(ctx context.Context) (context.Context, *Receipt) {
	r := &Receipt{}
	return context.WithValue(ctx, receiptKey{}, r), r
}

func receiptOf(ctx context.Context) *Receipt {
	r, _ := ctx.Value(receiptKey{}).(*Receipt)
	return r
}

// Size is the size of the log that holds all that was committed; 0 when nothing was.
func (r *Receipt) Size() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size
}

// Reserved says that identifiers were given out: numbers that may not be told before they are durable.
func (r *Receipt) Reserved() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reserved
}

// Events are the event hashes of what was committed, in order.
func (r *Receipt) Events() []ledger.Hash {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]ledger.Hash(nil), r.events...)
}

func (r *Receipt) note(size int64, emitted []emitted) {
	if r == nil || len(emitted) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size = max(r.size, size)
	for _, e := range emitted {
		r.reserved = r.reserved || e.kind == event.IDReserved
		r.events = append(r.events, e.hash)
	}
}

// emitted is an event of a turn, noted only where somebody asked for a receipt.
type emitted struct {
	kind event.Kind
	hash ledger.Hash
}
