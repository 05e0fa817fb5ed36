package store

import (
	"path/filepath"
	"testing"
)

// A connection that was dropped with its transaction open (its caller went away while it began) is not met again.
func TestDroppedIsGone(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), Options{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, p := range map[string]*pool{"reader": db.read, "writer": db.write} {
		c, err := p.take(t.Context())
		if err == nil {
			err = c.start(t.Context(), beginView)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.drop(c)
		if err := p.tx(t.Context(), beginView, func(*Tx) error { return nil }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
