package continuity_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/continuity"
)

// growthIn proves that a tree in memory begins with its first leaves.
func growthIn(t testing.TB, texts []string, from int64) continuity.Growth {
	t.Helper()
	c := grow(texts...)
	size := int64(len(texts))
	proof, err := tlog.ProveTree(size, from, c)
	if err != nil {
		t.Fatal(err)
	}
	g := continuity.Growth{Proof: proof}
	for _, at := range []struct {
		t *continuity.Tree
		n int64
	}{{&g.From, from}, {&g.To, size}} {
		root, err := tlog.TreeHash(at.n, c)
		if err != nil {
			t.Fatal(err)
		}
		*at.t = continuity.Tree{Size: at.n, Root: root}
	}
	return g
}

// What is read proves what it says, and is written as the same text again.
func FuzzParseGrowth(f *testing.F) {
	texts := []string{"a", "b", "c", "d", "e", "f", "g"}
	for from := range int64(6) {
		f.Add(growthIn(f, texts, from+1).String())
	}
	f.Add("tasuki-growth/v1\n1 AAAA\n2 AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := continuity.ParseGrowth(text)
		if err != nil {
			if !errors.Is(err, continuity.ErrEvidence) {
				t.Fatal(err)
			}
			return
		}
		if err := tlog.CheckTree(g.Proof, g.To.Size, g.To.Root, g.From.Size, g.From.Root); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if again, err := continuity.ParseGrowth(g.String()); err != nil || again.From != g.From || again.To != g.To {
			t.Fatalf("%q became %q: %v", text, g.String(), err)
		}
	})
}

// Forks prove what they prove: two roots at one size; two sizes with what the larger begins with; never two sizes alone, one tree, or growth that is no fork.
func TestProveFork(t *testing.T) {
	l := found(t, 1, 1, 0, 0)
	signed := func(texts ...string) []byte {
		c := grow(texts...)
		root, err := tlog.TreeHash(int64(len(texts)), c)
		if err != nil {
			t.Fatal(err)
		}
		return l.signed(l.chain.Head(), continuity.Tree{Size: int64(len(texts)), Root: root}, at)
	}
	growth := func(texts ...string) []byte { return []byte(growthIn(t, texts, 2).String()) }
	two, other := signed("a", "b"), signed("a", "c")
	four := signed("a", "c", "d", "e")
	for _, tc := range []struct {
		name  string
		notes [][]byte
		holds bool
		fault bool
	}{
		{"one size", [][]byte{two, other}, true, false},
		{"two sizes alone", [][]byte{two, four}, false, false},
		{"two sizes and growth", [][]byte{two, four, growth("a", "c", "d", "e")}, true, false},
		{"the larger first", [][]byte{four, two, growth("a", "c", "d", "e")}, true, false},
		{"no fork", [][]byte{other, four, growth("a", "c", "d", "e")}, false, true},
		{"growth of another tree", [][]byte{two, four, growth("a", "x", "d", "e")}, false, true},
		{"one tree", [][]byte{two, two}, false, true},
		{"a stranger's", [][]byte{two, []byte(strings.Replace(string(other), "\n\n", "\n\n— x AAAAAAA=\n", 1)[:40])}, false, true},
		{"nothing", nil, false, true},
	} {
		got, err := continuity.Prove(l.chain, nil, continuity.Evidence{Kind: continuity.EvidenceFork, Notes: tc.notes})
		if got.Holds != tc.holds || (err != nil) != tc.fault || err != nil && !errors.Is(err, continuity.ErrEvidence) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}

// Two charters of one version prove themselves; one that the board did not sign proves nothing.
func TestProveSiblings(t *testing.T) {
	l := found(t, 1, 1, 0, 0)
	a, b := l.next(l.chain, succeed("second")), l.next(l.chain, succeed("third"))
	e, err := continuity.SiblingEvidence(b, a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := continuity.Prove(l.chain, nil, e)
	if err != nil || !got.Holds || !strings.Contains(strings.Join(got.Facts, "\n"), "seat b1 of the board signed both") {
		t.Errorf("%+v, %v", got, err)
	}
	other := found(t, 2, 2, 0, 0)
	if got, err := continuity.Prove(other.chain, nil, e); !errors.Is(err, continuity.ErrEvidence) || got.Holds {
		t.Errorf("by another list's charters: %+v, %v", got, err)
	}
	e.Notes[1] = e.Notes[0]
	if _, err := continuity.Prove(l.chain, nil, e); !errors.Is(err, continuity.ErrEvidence) {
		t.Errorf("the same charter twice: %v", err)
	}
}
