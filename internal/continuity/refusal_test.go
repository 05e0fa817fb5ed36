package continuity_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
)

// A refused tree's file shows the leaf that it was refused for. What is against every rule by itself proves itself; whether another leaf is, only the
// leaves before it say. A leaf that the tree does not have there proves nothing.
func TestProveRefusal(t *testing.T) {
	l, stranger := found(t, 1, 1, 0, 0), found(t, 2, 2, 0, 0)
	leaf := func(l *list) string {
		raw, err := heartbeat(l).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		text, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Time: at.UnixMilli(), Back: -1}}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	copy := grow("a", leaf(l), "not an event", leaf(stranger), "b")
	signed := l.signed(l.chain.Head(), copy.at(copy.size()), at)
	prove := func(index int64, text string) []byte {
		path, err := tlog.ProveRecord(copy.size(), index, copy)
		if err != nil {
			t.Fatal(err)
		}
		return continuity.LeafProof(signed, []byte(text), index, path)
	}
	elsewhere := bytes.Replace(prove(1, copy.leaves[1]), signed, l.signed(l.chain.Head(), copy.at(4), at), 1)
	for _, tc := range []struct {
		name   string
		pieces [][]byte
		holds  bool
		fact   string
		fault  bool
	}{
		{"the note alone", [][]byte{signed}, false, "signed a tree of 5 leaves", false},
		{"a leaf that may be right", [][]byte{signed, prove(1, copy.leaves[1])}, false, "leaf 1 of that tree is, in its own words, heartbeat/1", false},
		{"what is no event", [][]byte{signed, prove(2, copy.leaves[2])}, true, "leaf 2 of that tree is no event", false},
		{"another list's event", [][]byte{signed, prove(3, copy.leaves[3])}, true, "leaf 3 of that tree is an event of the list " + stranger.chain.ListID(), false},
		{"a leaf that is not there", [][]byte{signed, prove(2, "made up")}, false, "", true},
		{"a leaf of another place", [][]byte{signed, prove(1, copy.leaves[2])}, false, "", true},
		{"under another note", [][]byte{signed, elsewhere}, false, "", true},
		{"no proof", [][]byte{signed, []byte("a leaf")}, false, "", true},
		{"too much", [][]byte{signed, prove(2, copy.leaves[2]), signed}, false, "", true},
		{"nothing", nil, false, "", true},
	} {
		got, err := continuity.Prove(l.chain, nil, continuity.Evidence{Kind: continuity.EvidenceRefusal, Notes: tc.pieces})
		if got.Holds != tc.holds || (err != nil) != tc.fault || err != nil && !errors.Is(err, continuity.ErrEvidence) ||
			!strings.Contains(strings.Join(got.Facts, "\n"), tc.fact) || !tc.fault && (len(got.Open) == 0) != tc.holds {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}
