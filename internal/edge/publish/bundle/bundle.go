// Package bundle writes and reads a part of a list as one file, for copies that no network reaches: leaves from an index to another, what
// stands beside them, the charter
// chain and a published checkpoint. The checkpoint's signatures cover the file; everything in it is proven against them with nothing but the
// file and the list id. The form
// is in docs/protocols/bundle.md.
//
// A bundle is read as a stream. Its head carries the hashes of subtrees that, put together, give the checkpoint's root: so every chunk of at
// most 256 leaves can be checked as it
// arrives, and nothing is believed before.
package bundle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// Errors of reading.
var (
	// ErrFormat means a file that is no bundle, or is damaged.
	ErrFormat = errors.New("bundle: not a bundle, or a damaged one")
	// ErrList means a bundle of another list than the pinned one.
	ErrList = errors.New("bundle: it is of another list")
	// ErrCheckpoint means a checkpoint that its charter's quorum does not stand behind.
	ErrCheckpoint = errors.New("bundle: its checkpoint does not count")
	// ErrProof means something that is not what the checkpoint covers.
	ErrProof = errors.New("bundle: not what the checkpoint covers")
	// ErrWithheld means a body that is missing though the log does not say that it was erased.
	ErrWithheld = errors.New("bundle: a body is missing, and nothing says that it was erased")
	// ErrNewer means a leaf of a kind that this program does not know.
	ErrNewer = errors.New("bundle: a leaf of a kind that this program does not know; a newer program may")
	// ErrRange means a range that is empty, or not below the checkpoint.
	ErrRange = errors.New("bundle: no such range below the checkpoint")
)

const (
	magic      = "tasuki-bundle/1\n"
	maxHead    = 16 << 20 // a chain of 250 charters of the largest size
	maxErasure = 1 << 20  // of erasures beyond the range
	// Width is how many leaves a chunk has at most.
	Width = 256
	// window is how far back the compression looks, and what a reader needs of memory for it.
	window = 8 << 20
)

// Head is what a bundle says of itself.
type Head struct {
	List       string
	From, To   int64           // leaves [From, To)
	Tree       continuity.Tree // of the checkpoint
	Checkpoint []byte          // the note, with all its lines
	Charters   *charter.Chain
}

// Missing says that a copy lacks the leaves between what it has and what a bundle brings.
type Missing struct{ From, To int64 }

func (m *Missing) Error() string {
	return fmt.Sprintf("bundle: leaves %d to %d are missing here: import the bundle that has them first", m.From, m.To-1)
}

// head as it is written: JSON, with the charters and the note as text, so that their bytes stay as they are.
type head struct {
	List       string   `json:"list"`
	From       int64    `json:"from"`
	To         int64    `json:"to"`
	Charters   []string `json:"charters"`
	Checkpoint string   `json:"checkpoint"`
}

// marshal writes the head after the magic line: its length as a big-endian uint32, and the JSON.
func (h *Head) marshal() ([]byte, error) {
	out := head{List: h.List, From: h.From, To: h.To, Checkpoint: string(h.Checkpoint)}
	for _, d := range h.Charters.Documents() {
		raw, err := d.Bytes()
		if err != nil {
			return nil, err
		}
		out.Charters = append(out.Charters, string(raw))
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxHead {
		return nil, fmt.Errorf("%w: its head has %d bytes", ErrFormat, len(raw))
	}
	return append(binary.BigEndian.AppendUint32([]byte(magic), uint32(len(raw))), raw...), nil
}

// readHead reads the head and verifies what it says by itself: the charter chain from the genesis that the list id is the hash of, and the
// checkpoint by the quorum of
// its epoch's charter. list pins the id; "" takes the file's own.
func readHead(r io.Reader, list string) (*Head, error) {
	var fixed [len(magic) + 4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil || string(fixed[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrFormat)
	}
	n := binary.BigEndian.Uint32(fixed[len(magic):])
	if n > maxHead {
		return nil, fmt.Errorf("%w: a head of %d bytes", ErrFormat, n)
	}
	var raw bytes.Buffer // grows with what is there, whatever the length promises
	if _, err := io.CopyN(&raw, r, int64(n)); err != nil {
		return nil, fmt.Errorf("%w: its head is cut", ErrFormat)
	}
	var in head
	if err := json.Unmarshal(raw.Bytes(), &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: its head cannot be read", ErrFormat)
	}
	docs := make([][]byte, len(in.Charters))
	for i, c := range in.Charters {
		docs[i] = []byte(c)
	}
	chain, err := charter.ParseChain(docs...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if in.List != chain.ListID() {
		return nil, fmt.Errorf("%w: its charters are another list's", ErrFormat)
	}
	if list != "" && list != in.List {
		return nil, fmt.Errorf("%w: %s", ErrList, in.List)
	}
	h := &Head{List: in.List, From: in.From, To: in.To, Checkpoint: []byte(in.Checkpoint), Charters: chain}
	if h.Tree, err = counted(chain, h.Checkpoint); err != nil {
		return nil, err
	}
	if h.From < 0 || h.From >= h.To || h.To > h.Tree.Size {
		return nil, fmt.Errorf("%w: leaves %d to %d, and a checkpoint of %d", ErrRange, h.From, h.To, h.Tree.Size)
	}
	return h, nil
}

// counted verifies a checkpoint by the newest charter of its origin.
func counted(chain *charter.Chain, signed []byte) (continuity.Tree, error) {
	n, err := c2sp.ParseNote(signed)
	if err != nil {
		return continuity.Tree{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	cp, err := c2sp.ParseCheckpoint(n.Text)
	if err != nil {
		return continuity.Tree{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	docs := chain.Documents()
	for i := len(docs) - 1; i >= 0; i-- {
		if docs[i].Origin() != cp.Origin {
			continue
		}
		q, err := continuity.QuorumOf(docs[i])
		if err != nil {
			return continuity.Tree{}, err
		}
		v := q.Check(signed)
		if err := v.Reason(); err != nil {
			return continuity.Tree{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
		}
		return v.Tree(), nil
	}
	return continuity.Tree{}, fmt.Errorf("%w: no charter of the list names its log", ErrCheckpoint)
}

// chunks calls fn for the pieces of [from, to): they end at multiples of Width.
func chunks(from, to int64, fn func(from, to int64) error) error {
	for from < to {
		end := min(to, (from/Width+1)*Width)
		if err := fn(from, end); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// Item is one leaf of a bundle and what stands beside it. It was proven.
type Item struct {
	Index int64
	Leaf  []byte
	Event *event.Entry // the leaf read, without its body
	Mark  byte         // ledger.BodyPresent …
	Salt  [16]byte     // of BodyPresent
	Raw   []byte       // of BodyPresent
}

// check holds what stands beside a leaf to what the leaf binds.
func (i *Item) check() error {
	b := i.Event.Body
	want := ledger.BodyPresent
	switch {
	case b == nil:
		want = ledger.BodyNone
	case i.Event.Kind == event.PrivateFact:
		want = ledger.BodyCommitted
	case i.Mark == ledger.BodyErased:
		return nil // whether it may be missing is asked at the end of the bundle
	}
	if i.Mark != want {
		return fmt.Errorf("%w: leaf %d: what stands beside it", ErrProof, i.Index)
	}
	if want == ledger.BodyPresent && (int64(len(i.Raw)) != b.N || ledger.BodyHash(i.Salt, i.Raw) != b.H) {
		return fmt.Errorf("%w: the body of leaf %d", ErrProof, i.Index)
	}
	return nil
}

// erasure is a leaf beyond the range that says that a body in it was erased, with its proof of inclusion.
type erasure struct {
	index int64
	leaf  []byte
}

// Source is a list as a bundle is made from it. It may grow meanwhile.
type Source interface {
	// Hashes are stored hashes (tlog.StoredHashIndex) of the tree of a size.
	Hashes(ctx context.Context, size int64, indexes []int64) ([]tlog.Hash, error)
	// Each gives fn the leaves [from, to) in their order with what stands beside them. What it is given is fn's to keep.
	Each(ctx context.Context, from, to int64, fn func(index int64, leaf []byte, mark byte, salt [16]byte, raw []byte) error) error
	// Leaves gives fn the leaves [from, to) alone.
	Leaves(ctx context.Context, from, to int64, fn func(index int64, leaf []byte) error) error
}
