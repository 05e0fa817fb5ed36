package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A check leaves nothing in the data directory, and what one that was killed left is gone at the next start.
func TestScratchIsThrownAway(t *testing.T) {
	n, done := filled(t, setupAt(t, "", ""), 20)
	defer done()
	left := func() []string {
		found, err := filepath.Glob(filepath.Join(n.dir.Path, scratchPrefix+"*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got, err := n.Fsck(t.Context(), FsckRequest{}, quiet{}); err != nil || got.Problems != 0 {
		t.Fatalf("fsck: %+v %v", got, err)
	}
	if found := left(); len(found) > 0 {
		t.Errorf("fsck left %v", found)
	}
	killed := filepath.Join(n.dir.Path, scratchPrefix+"1")
	if err := os.MkdirAll(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := n.sweepScratch(); err != nil || len(left()) > 0 {
		t.Errorf("sweep: %v, left %v", err, left())
	}
}
