package charter

import (
	"errors"
	"slices"
	"testing"

	"tasuki/spec/dsse"
)

// threeOfFive begins a list whose board has five seats with keys 1–5 and a threshold of three.
func threeOfFive(t testing.TB) *Chain {
	t.Helper()
	c, _ := found(t)
	first := c.Genesis().Charter().clone()
	first.Board = Board{K: 3, Emergency: 2}
	for i, id := range []string{"b1", "b2", "b3", "b4", "b5"} {
		first.Board.Keys = append(first.Board.Keys, BoardSeat{id, "Body " + id, pubText(i + 1)})
	}
	d, err := New(first)
	if err != nil {
		t.Fatal(err)
	}
	sign(d, 1, 2, 3)
	chain, err := NewChain(d)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// sign signs as the seats b<i> with the keys i.
func sign(d *Document, keys ...int) {
	for _, i := range keys {
		d.Sign("b"+string(rune('0'+i)), key(i))
	}
}

func TestExtend(t *testing.T) {
	epoch := Epoch{Log: pub(firstLog + 1), Size: 7, Root: [32]byte{1}}
	withMirrors := func(n *Charter) {
		n.Mirrors = &Mirrors{Q: 1, List: []Mirror{{mirrorKey(t, "m1", 10), "https://m1.example"}}}
	}
	amend := func(change func(*Charter), keys ...int) func(t *testing.T, c *Chain) *Document {
		return func(t *testing.T, c *Chain) *Document {
			d, err := c.Amend(clock, change)
			if err != nil {
				t.Fatal(err)
			}
			sign(d, keys...)
			return d
		}
	}
	open := func(e Epoch, keys ...int) func(t *testing.T, c *Chain) *Document {
		return func(t *testing.T, c *Chain) *Document {
			d, err := c.OpenEpoch(clock, e)
			if err != nil {
				t.Fatal(err)
			}
			sign(d, keys...)
			return d
		}
	}
	upgrade := func(change func(*Charter), log int) func(t *testing.T, c *Chain) *Document {
		return func(t *testing.T, c *Chain) *Document {
			d, err := c.Amend(clock, func(n *Charter) {
				n.Features = []string{"events-1", "events-2"}
				change(n)
			})
			if err != nil {
				t.Fatal(err)
			}
			d.Sign(LogSigner, key(log))
			return d
		}
	}
	nothing := func(*Charter) {}
	newEpoch := func(n *Charter) { // by hand, so that each rule can be left out
		n.Operator.Epoch, n.Operator.Key, n.ContinueAt = 2, pubText(firstLog+1), &ContinueAt{Size: 7, Root: goldenListID}
	}
	also := func(first, then func(*Charter)) func(*Charter) { return func(n *Charter) { first(n); then(n) } }

	for _, tc := range []struct {
		name string
		next func(t *testing.T, c *Chain) *Document
		want error
	}{
		{"names change with three keys", amend(func(n *Charter) { n.Names = []string{"cve.example"} }, 1, 2, 3), nil},
		{"two keys", amend(nothing, 1, 2), ErrThreshold},
		{"emergency threshold", open(epoch, 4, 5), ErrThreshold},
		{"no keys", amend(nothing), ErrThreshold},
		{"one key three times", func(t *testing.T, c *Chain) *Document {
			d := amend(nothing, 1)(t, c)
			for _, id := range []string{"b2", "b3"} {
				d.Sign(id, key(1))
			}
			return d
		}, ErrThreshold},
		{"signatures of strangers", func(t *testing.T, c *Chain) *Document {
			d := amend(nothing, 1, 2)(t, c)
			d.Sign("b3", key(30))
			return d
		}, ErrThreshold},
		{"signatures over another document", func(t *testing.T, c *Chain) *Document {
			d := amend(nothing)(t, c)
			d.sigs = amend(func(n *Charter) { n.Reason = "x" }, 1, 2, 3)(t, c).sigs
			return d
		}, ErrThreshold},
		{"board replaced, old and new sign", amend(func(n *Charter) {
			n.Board = Board{K: 2, Emergency: 1, Keys: []BoardSeat{{"b6", "F", pubText(6)}, {"b7", "G", pubText(7)}}}
		}, 1, 2, 3, 6, 7), nil},
		{"board replaced, new does not sign", amend(func(n *Charter) {
			n.Board = Board{K: 2, Emergency: 1, Keys: []BoardSeat{{"b6", "F", pubText(6)}, {"b7", "G", pubText(7)}}}
		}, 1, 2, 3, 6), ErrThreshold},
		{"board replaced, old does not sign", amend(func(n *Charter) {
			n.Board = Board{K: 1, Emergency: 1, Keys: []BoardSeat{{"b6", "F", pubText(6)}}}
		}, 1, 2, 6), ErrThreshold},
		{"a seat's key replaced under its id", func(t *testing.T, c *Chain) *Document {
			d := amend(func(n *Charter) { n.Board.Keys[0].Key = pubText(9) }, 1, 2, 3)(t, c)
			d.Sign("b1", key(9))
			return d
		}, nil},

		{"new epoch", open(epoch, 1, 3, 5), nil},
		{"new epoch with mirrors", open(Epoch{Log: pub(firstLog + 1), Change: withMirrors}, 1, 3, 5), nil},
		{"new epoch in the old one's number", amend(also(newEpoch, func(n *Charter) { n.Operator.Epoch = 1 }), 1, 2, 3), ErrEpoch},
		{"new epoch skips", amend(also(newEpoch, func(n *Charter) { n.Operator.Epoch = 3 }), 1, 2, 3), ErrEpoch},
		{"new epoch with the old log key", amend(also(newEpoch, func(n *Charter) { n.Operator.Key = pubText(firstLog) }), 1, 2, 3), ErrOrigin},
		{"new epoch says not where", amend(also(newEpoch, func(n *Charter) { n.ContinueAt = nil }), 1, 2, 3), ErrContinueAt},
		{"no epoch but says where", amend(func(n *Charter) { n.ContinueAt = &ContinueAt{Size: 1, Root: goldenListID} }, 1, 2, 3), ErrContinueAt},
		{"log key replaced within the epoch", amend(func(n *Charter) { n.Operator.Key = pubText(firstLog + 1) }, 1, 2, 3), ErrEpoch},
		{"mirrors added within the epoch", amend(withMirrors, 1, 2, 3), ErrEpoch},
		{"policy added within the epoch", amend(func(n *Charter) { n.Policy = "quorum none\n" }, 1, 2, 3), ErrEpoch},
		{"test list made real", amend(func(n *Charter) { n.Test = true }, 1, 2, 3), ErrConstant},

		{"features, by the log key", upgrade(nothing, firstLog), nil},
		{"features and a reason, by the log key", upgrade(func(n *Charter) { n.Reason = "upgrade" }, firstLog), nil},
		{"features, by another key", upgrade(nothing, firstLog+1), ErrThreshold},
		{"features and a name, by the log key", upgrade(func(n *Charter) { n.Names = []string{"cve.example"} }, firstLog), ErrThreshold},
		{"features and the board, by the log key", upgrade(func(n *Charter) { n.Board.Emergency = 1 }, firstLog), ErrThreshold},
		{"features taken away, by the log key", upgrade(func(n *Charter) { n.Features = []string{"events-2", "events-3"} }, firstLog), ErrThreshold},
		{"nothing, by the log key", upgrade(func(n *Charter) { n.Features = []string{"events-1"} }, firstLog), ErrThreshold},
		{"a new epoch, by the log key", upgrade(newEpoch, firstLog), ErrThreshold},
		{"features, by a board key posing as the log", func(t *testing.T, c *Chain) *Document {
			d := upgrade(nothing, firstLog)(t, c)
			d.sigs = nil
			d.Sign(LogSigner, key(1))
			return d
		}, ErrThreshold},

		{"wrong predecessor", func(t *testing.T, c *Chain) *Document {
			extend(t, c, amend(nothing, 1, 2, 3)(t, c))
			return amend(func(n *Charter) { n.Prev = goldenListID }, 1, 2, 3)(t, c)
		}, ErrPrev},
		{"another list", amend(func(n *Charter) { n.Genesis, n.Prev = goldenListID, goldenListID }, 1, 2, 3), ErrOtherList},
		{"a version skipped", func(t *testing.T, c *Chain) *Document {
			ahead := chainOf(slices.Clone(c.docs())...)
			extend(t, ahead, amend(nothing, 1, 2, 3)(t, ahead))
			return amend(nothing, 1, 2, 3)(t, ahead)
		}, ErrGap},
		{"seen before", func(t *testing.T, c *Chain) *Document {
			d := amend(nothing, 1, 2, 3)(t, c)
			extend(t, c, d)
			return d
		}, ErrKnown},
		{"signed twice by the board", func(t *testing.T, c *Chain) *Document {
			other := amend(func(n *Charter) { n.Reason = "the other one" }, 3, 4, 5)(t, c)
			extend(t, c, amend(nothing, 1, 2, 3)(t, c))
			return other
		}, ErrSibling},
		{"sibling without force", func(t *testing.T, c *Chain) *Document {
			other := amend(func(n *Charter) { n.Reason = "the other one" }, 4, 5)(t, c)
			extend(t, c, amend(nothing, 1, 2, 3)(t, c))
			return other
		}, ErrThreshold},
		{"an origin used before", func(t *testing.T, c *Chain) *Document {
			extend(t, c, open(epoch, 1, 2, 3)(t, c))
			extend(t, c, open(Epoch{Log: pub(firstLog + 2), Slug: "other"}, 1, 2, 3)(t, c))
			return open(Epoch{Log: pub(firstLog + 1), Slug: "third"}, 1, 2, 3)(t, c)
		}, ErrOrigin},
		{"continue_at may be left out once there are mirrors", func(t *testing.T, c *Chain) *Document {
			extend(t, c, open(Epoch{Log: pub(firstLog + 1), Change: withMirrors}, 1, 2, 3)(t, c))
			return open(Epoch{Log: pub(firstLog + 2), Change: func(n *Charter) { n.ContinueAt = nil }}, 1, 2, 3)(t, c)
		}, nil},
		{"features by the log key, with mirrors", func(t *testing.T, c *Chain) *Document {
			extend(t, c, open(Epoch{Log: pub(firstLog + 1), Change: withMirrors}, 1, 2, 3)(t, c))
			return upgrade(nothing, firstLog+1)(t, c)
		}, ErrThreshold},
		{"features by the log key, after a restore", func(t *testing.T, c *Chain) *Document {
			extend(t, c, open(epoch, 1, 2, 3)(t, c))
			return upgrade(nothing, firstLog+1)(t, c)
		}, nil},
		{"features by the log key of the epoch before", func(t *testing.T, c *Chain) *Document {
			extend(t, c, open(epoch, 1, 2, 3)(t, c))
			return upgrade(nothing, firstLog)(t, c)
		}, ErrThreshold},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := threeOfFive(t)
			d := tc.next(t, c)
			before := c.Head()
			err := c.Extend(d)
			if !errors.Is(err, tc.want) {
				t.Fatalf("Extend = %v, want %v", err, tc.want)
			}
			if err != nil && c.Head() != before {
				t.Error("a refused charter changed the chain")
			}
			if err == nil && c.Head() != d {
				t.Error("an accepted charter is not the head")
			}
			// The second verifier, and the chain read back from bytes, say the same of the chain with d at its end.
			if tc.want != ErrKnown && tc.want != ErrSibling {
				docs := append(c.Documents()[:slices.Index(c.docs(), before)+1], d)
				if got := tinyChain(wire(t, docs)); (got == len(docs)) != (err == nil) {
					t.Errorf("the second verifier takes %d of %d charters", got, len(docs))
				}
				if _, perr := ParseChain(wire(t, docs)...); (perr == nil) != (err == nil) {
					t.Errorf("read back from bytes: %v", perr)
				}
			}
		})
	}
}

func extend(t testing.TB, c *Chain, d *Document) {
	t.Helper()
	if err := c.Extend(d); err != nil {
		t.Fatal(err)
	}
}

func wire(t testing.TB, docs []*Document) [][]byte {
	t.Helper()
	var out [][]byte
	for _, d := range docs {
		raw, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw)
	}
	return out
}

func TestGenesisNeedsItsOwnBoard(t *testing.T) {
	c := threeOfFive(t)
	d, err := New(c.Genesis().Charter())
	if err != nil {
		t.Fatal(err)
	}
	sign(d, 1, 2)
	if _, err := NewChain(d); !errors.Is(err, ErrThreshold) {
		t.Errorf("two of three: %v", err)
	}
	if _, err := ParseChain(); !errors.Is(err, ErrGap) {
		t.Errorf("no charters: %v", err)
	}
	if _, err := NewChain(fullCharter(t)); !errors.Is(err, ErrGap) {
		t.Errorf("charter 2 as a genesis: %v", err)
	}
}

func TestSigningTwiceChangesNothing(t *testing.T) {
	c, board := found(t)
	before, _ := c.Genesis().Bytes()
	c.Genesis().Sign(board.ID, board.Private)
	if after, _ := c.Genesis().Bytes(); string(after) != string(before) {
		t.Error("the document changed")
	}
	if n := c.Genesis().signers(c.Genesis().Charter().Board); n != 1 {
		t.Errorf("%d signers", n)
	}
}

func TestOpening(t *testing.T) {
	c, board := found(t)
	d, err := c.OpenEpoch(clock, Epoch{Log: pub(firstLog + 1), Size: 9})
	if err != nil {
		t.Fatal(err)
	}
	d.Sign(board.ID, board.Private)
	extend(t, c, d)
	up, err := c.AddFeatures(clock, "upgrade to 2", "events-2", "events-1")
	if err != nil {
		t.Fatal(err)
	}
	up.Sign(LogSigner, key(firstLog+1))
	extend(t, c, up)
	if got := c.Opening(); got != d || got.Charter().ContinueAt.Size != 9 {
		t.Errorf("the epoch was opened by charter %d", got.Charter().V)
	}
	if got := c.Head().Charter().Features; !slices.Equal(got, []string{"events-1", "events-2"}) {
		t.Errorf("features %v", got)
	}
	if c.Head().VKey() != d.VKey() || c.Head().LogKey().Equal(pub(firstLog)) {
		t.Error("an amendment within the epoch changed the log's key")
	}
}

func TestDraftDoesNotTouchTheHead(t *testing.T) {
	c := threeOfFive(t)
	hash := c.Head().Hash()
	if _, err := c.Amend(clock, func(n *Charter) { n.Board.Keys[0].Key = dsse.EncodeKey(pub(9)); n.Features[0] = "x" }); err != nil {
		t.Fatal(err)
	}
	again, err := New(c.Head().Charter())
	if err != nil || again.Hash() != hash {
		t.Errorf("the head now hashes to %s, %v", again.Hash(), err)
	}
}

// A node goes on answering while its list gets a charter.
func TestReadWhileExtended(t *testing.T) {
	c := threeOfFive(t)
	stop := make(chan struct{})
	bad := make(chan bool)
	go func() {
		newest, torn := int64(0), false
		for {
			select {
			case <-stop:
				bad <- torn
				return
			default:
			}
			head, docs := c.Head().charter.V, c.Documents()
			torn = torn || head < newest || int64(len(docs)) < head || docs[len(docs)-1].charter.V != int64(len(docs))
			newest = head
		}
	}()
	for range 20 {
		d, err := c.Amend(clock, func(*Charter) {})
		if err != nil {
			t.Error(err)
			break
		}
		sign(d, 1, 2, 3)
		extend(t, c, d)
	}
	close(stop)
	if <-bad {
		t.Error("a reader saw a chain that never was")
	}
}
