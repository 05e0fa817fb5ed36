package continuity_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
)

// The tests of this package use real keys: what the simulation replaces is looked at here.

var at = time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC)

func clock() time.Time { return at }

func private(use string, n int) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	copy(seed[:], fmt.Sprintf("%s %d", use, n))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func cosigner(t testing.TB, kind string, n int) *c2sp.Cosigner {
	t.Helper()
	c, err := c2sp.NewCosigner(fmt.Sprintf("%s%d.example", kind, n), private(kind, n))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list is a list with mirrors m1…m and, if any, witnesses w1…w.
type list struct {
	t       testing.TB
	chain   *charter.Chain
	mirrors []*c2sp.Cosigner
	witness []*c2sp.Cosigner
}

func found(t testing.TB, m, q, f, w int) *list {
	t.Helper()
	l := &list{t: t}
	c := charter.Charter{V: 1, ListName: "cve", Issued: "2026-11-21T09:00:00Z", Features: []string{charter.FeatureEvents1},
		Board: charter.Board{K: 1, Emergency: 1, Keys: []charter.BoardSeat{{ID: "b1", Holder: "Body", Key: dsse.EncodeKey(public(private("board", 1)))}}},
		Operator: charter.Operator{Org: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Slug: "first", Epoch: 1, URL: "https://first.example",
			Key: dsse.EncodeKey(public(private("log", 1)))}}
	for i := range m {
		l.mirrors = append(l.mirrors, cosigner(t, "m", i+1))
	}
	c.Mirrors = l.set(q, f, l.mirrors)
	if w > 0 {
		var policy strings.Builder
		names := ""
		for i := range w {
			l.witness = append(l.witness, cosigner(t, "w", i+1))
			fmt.Fprintf(&policy, "witness w%d %s https://w%d.example\n", i+1, l.witness[i].VKey(), i+1)
			names += fmt.Sprintf(" w%d", i+1)
		}
		fmt.Fprintf(&policy, "group W %d%s\nquorum W\n", w/2+1, names)
		c.Policy = policy.String()
	}
	d, err := charter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	d.Sign("b1", private("board", 1))
	if l.chain, err = charter.NewChain(d); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *list) set(q, f int, keys []*c2sp.Cosigner) *charter.Mirrors {
	if len(keys) == 0 {
		return nil
	}
	set := &charter.Mirrors{Q: int64(q), F: int64(f)}
	for _, k := range keys {
		set.List = append(set.List, charter.Mirror{VKey: k.VKey().String(), URL: "https://" + k.VKey().Name})
	}
	return set
}

// next is a charter after chain, signed by the board. Without a change of the operator it opens no epoch.
func (l *list) next(chain *charter.Chain, change func(*charter.Charter)) *charter.Document {
	l.t.Helper()
	d, err := chain.Amend(clock, change)
	if err != nil {
		l.t.Fatal(err)
	}
	d.Sign("b1", private("board", 1))
	return d
}

// succeed names another operator.
func succeed(slug string) func(*charter.Charter) {
	return func(c *charter.Charter) {
		c.Operator.Epoch++
		c.Operator.Slug = slug
		c.Operator.Key = dsse.EncodeKey(public(private("log "+slug, int(c.Operator.Epoch))))
	}
}

// signer is the log key of the epoch of a charter made by found or succeed.
func signer(t testing.TB, d *charter.Document) note.Signer {
	t.Helper()
	key := private("log", 1)
	if o := d.Charter().Operator; o.Epoch > 1 {
		key = private("log "+o.Slug, int(o.Epoch))
	}
	k := charter.LogKey{Origin: d.Origin(), Private: key}
	s, err := k.Signer()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree is a Copy in memory over real hashes: leaf i is its text.
type tree struct {
	hashes  []tlog.Hash
	leaves  []string
	opening map[int64]continuity.Opening
}

func grow(texts ...string) *tree {
	t := &tree{opening: map[int64]continuity.Opening{}}
	t.add(texts...)
	return t
}

func (t *tree) add(texts ...string) {
	for _, text := range texts {
		h, err := tlog.StoredHashes(int64(len(t.leaves)), []byte(text), t)
		if err != nil {
			panic(err)
		}
		t.hashes = append(t.hashes, h...)
		t.leaves = append(t.leaves, text)
	}
}

// open adds the leaf that opens an epoch.
func (t *tree) open(o continuity.Opening) {
	o.Index = int64(len(t.leaves))
	o.Root = t.at(o.Index).Root
	t.opening[o.Epoch] = o
	t.add(fmt.Sprintf("opens %d %s", o.Epoch, o.Charter))
}

func (t *tree) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, t.hashes[i])
	}
	return out, nil
}

func (t *tree) RootAt(_ context.Context, size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, t)
}

func (t *tree) Opening(_ context.Context, epoch int64) (continuity.Opening, error) {
	if o, ok := t.opening[epoch]; ok {
		return o, nil
	}
	return continuity.Opening{}, continuity.ErrNotOpened
}

func (t *tree) at(size int64) continuity.Tree {
	root, err := tlog.TreeHash(size, t)
	if err != nil {
		panic(err)
	}
	return continuity.Tree{Size: size, Root: root}
}

func (t *tree) size() int64 { return int64(len(t.leaves)) }

// signed is a checkpoint of a tree, signed by the log and by whoever else.
func (l *list) signed(d *charter.Document, at continuity.Tree, when time.Time, by ...*c2sp.Cosigner) []byte {
	l.t.Helper()
	text := c2sp.Checkpoint{Origin: d.Origin(), Size: at.Size, Root: at.Root}.String()
	raw, err := note.Sign(&note.Note{Text: text}, signer(l.t, d))
	if err != nil {
		l.t.Fatal(err)
	}
	n, err := c2sp.ParseNote(raw)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range by {
		line, err := c.Cosign(text, when)
		if err != nil {
			l.t.Fatal(err)
		}
		n.Lines = append(n.Lines, line)
	}
	return n.Bytes()
}

// published has every line that a quorum could ask for.
func (l *list) published(d *charter.Document, at continuity.Tree) []byte {
	return l.signed(d, at, clock(), append(append([]*c2sp.Cosigner{}, l.mirrors...), l.witness...)...)
}

// seal is a mirror's report.
func (l *list) seal(old, next *charter.Document, at continuity.Tree, by *c2sp.Cosigner) []byte {
	l.t.Helper()
	n, err := continuity.Seal{List: l.chain.ListID(), Origin: old.Origin(), Charter: next.Hash(), Tree: at}.Sign(by, clock())
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}
