package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// book holds everything that a node has promised so far.
type book struct {
	list        string
	leaves      map[int64]string // index → leaf hash
	private     map[int64]string // index → SHA-256 of the private body
	records     map[string]bool  // "ID SHA256" of documents taken in
	never       map[string]bool  // ids that must not occur
	checkpoints map[string]bool  // notes
}

func newBook() *book {
	return &book{leaves: map[int64]string{}, private: map[int64]string{}, records: map[string]bool{}, never: map[string]bool{},
		checkpoints: map[string]bool{}}
}

// clone is a book that may be written on without touching b.
func (b *book) clone() *book {
	c := newBook()
	c.list = b.list
	for _, m := range []struct{ to, from map[string]bool }{{c.records, b.records}, {c.never, b.never}, {c.checkpoints, b.checkpoints}} {
		for k := range m.from {
			m.to[k] = true
		}
	}
	for k, v := range b.leaves {
		c.leaves[k] = v
	}
	for k, v := range b.private {
		c.private[k] = v
	}
	return c
}

// newWhole reads the whole lines of out.
func newWhole(out []byte) io.Reader { return bytes.NewReader(out[:bytes.LastIndexByte(out, '\n')+1]) }

// enter writes down one line that a worker said. It fails on "error", on what contradicts an earlier line, and on what is
// no line of a worker.
func (b *book) enter(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	var index int64
	var hash string
	switch verb {
	case "start", "closing", "closed", "imported", "connections":
		return nil
	case "ready":
		if b.list != "" && b.list != rest {
			return fmt.Errorf("list %s opened again as list %s", b.list, rest)
		}
		b.list = rest
		return nil
	case "leaf", "private":
		if _, err := fmt.Sscanf(rest, "%d %s", &index, &hash); err != nil {
			return fmt.Errorf("worker said %q: %w", line, err)
		}
		m := b.leaves
		if verb == "private" {
			m = b.private
		}
		if have, ok := m[index]; ok && have != hash {
			return fmt.Errorf("%s %d was acknowledged twice, as %s and %s", verb, index, have, hash)
		}
		m[index] = hash
		return nil
	case "never":
		b.never[rest] = true
		return nil
	case "record":
		b.records[rest] = true
		return nil
	case "checkpoint":
		note, err := base64.StdEncoding.DecodeString(rest)
		b.checkpoints[string(note)] = true
		return err
	}
	return fmt.Errorf("worker said %q", line)
}

// holds compares an open node with the book: nothing that was promised may be missing, and the store must be whole. With
// deep the derived tables are compared with the log too. It returns everything that is wrong.
func (b *book) holds(ctx context.Context, n *node, deep bool) error {
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if b.list != "" && n.chain.ListID() != b.list {
		bad("the list is %s, it was %s", n.chain.ListID(), b.list)
	}
	if n.sealed != "" || !n.keyed {
		bad("the node cannot write: keyed %v, sealed %q", n.keyed, n.sealed)
	}
	err := n.db.View(ctx, func(tx *store.Tx) error {
		for index, want := range b.leaves {
			leaf, err := n.ledger.Leaf(ctx, tx, index)
			if err != nil {
				bad("acknowledged: %w", err)
			} else if got := ledger.LeafHash(leaf); hex.EncodeToString(got[:]) != want {
				bad("leaf %d is %x, acknowledged was %s", index, got[:], want)
			}
		}
		for index, want := range b.private {
			p, err := n.ledger.Private(ctx, tx, index)
			if err != nil {
				bad("acknowledged: %w", err)
			} else if got := sha256.Sum256(p.Body); hex.EncodeToString(got[:]) != want {
				bad("private body %d is %x, acknowledged was %s", index, got, want)
			}
		}
		head, err := n.ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		for note := range b.checkpoints {
			c, err := ledger.OpenCheckpoint([]byte(note), n.chain.Verifiers())
			if err != nil {
				bad("a checkpoint that was handed out: %w", err)
				continue
			}
			if c.Size > head.Size {
				bad("a checkpoint of size %d was handed out, the log has %d leaves", c.Size, head.Size)
				continue
			}
			root, err := n.ledger.RootAt(ctx, tx, c.Size)
			if err != nil {
				return err
			}
			if root != c.Root {
				bad("a checkpoint of size %d was handed out with root %x, the log has %x", c.Size, c.Root[:], root[:])
			}
		}
		return b.documents(ctx, n, tx, bad)
	})
	if err != nil {
		bad("read back: %w", err)
	}
	if err := b.whole(ctx, n, deep, bad); err != nil {
		bad("check: %w", err)
	}
	return errors.Join(wrong...)
}

// documents looks for the imported documents, byte for byte, and for what must not be there.
func (b *book) documents(ctx context.Context, n *node, tx *store.Tx, bad func(string, ...any)) error {
	missing := make(map[string]bool, len(b.records))
	for r := range b.records {
		missing[r] = true
	}
	err := n.ledger.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
		e, err := event.Open(index, leaf, body)
		if err != nil {
			return err
		}
		if b.never[e.ID] {
			bad("leaf %d speaks of %s, whose command was refused", index, e.ID)
		}
		if e.Doc != nil {
			sum, err := e.Doc.SHA256()
			if err != nil {
				return err
			}
			delete(missing, fmt.Sprintf("%s %x", e.ID, sum))
		}
		return nil
	})
	for r := range missing {
		bad("imported and lost: %s", r)
	}
	return err
}

// whole runs fsck, with replay when deep.
func (b *book) whole(ctx context.Context, n *node, deep bool, bad func(string, ...any)) error {
	if deep {
		_, err := n.Fsck(ctx, FsckRequest{}, itemsOf(func(i Item) { bad("fsck: %s: %s", i.Name, i.Reason) }))
		return err
	}
	return n.db.View(ctx, func(tx *store.Tx) error {
		return n.ledger.Fsck(ctx, tx, ledger.FsckOptions{Read: meaning, Keys: n.chain.Verifiers(), Private: n.keyed},
			func(p ledger.Problem) { bad("fsck: %s", p) })
	})
}

// examine opens a data directory as the next start of the program would, and holds it to the book. It returns how many
// leaves there are.
func (b *book) examine(ctx context.Context, job crashJob, deep bool) (size int64, err error) {
	dir, err := openDataDir(job.Dir, true)
	if err != nil {
		return 0, fmt.Errorf("open again: %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	n, err := openNode(ctx, job.setup(dir))
	if err != nil {
		return 0, fmt.Errorf("open again: %w", err)
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if size, err = n.size(ctx); err != nil {
		return 0, err
	}
	// Nobody has taken the board key away, and it cannot be had again.
	key, err := charter.ReadBoardKey(filepath.Join(dir.Path, boardKeyFile))
	if err == nil && key.List != n.chain.ListID() {
		err = fmt.Errorf("it is of list %s, this is list %s", key.List, n.chain.ListID())
	}
	if err != nil {
		err = fmt.Errorf("board key: %w", err)
	}
	return size, errors.Join(err, b.holds(ctx, n, deep))
}
