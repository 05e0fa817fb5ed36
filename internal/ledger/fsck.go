package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/store"
)

// Problem is one fault that Fsck found, with the name of the offender.
type Problem struct {
	Part    string // leaf, body, private, tile, head, subject, checkpoint, dictionary
	Index   int64  // leaf index; of a tile its n; -1 where neither applies
	Level   int64  // of a tile
	Message string
}

func (p Problem) String() string {
	switch {
	case p.Part == "tile":
		return fmt.Sprintf("tile %d/%d: %s", p.Level, p.Index, p.Message)
	case p.Index < 0:
		return fmt.Sprintf("%s: %s", p.Part, p.Message)
	}
	return fmt.Sprintf("%s %d: %s", p.Part, p.Index, p.Message)
}

// Meaning is what Fsck has to know about an event and the ledger itself does not.
type Meaning struct {
	Subject string // what the back chain links; "" for none
	Erases  int64  // leaf whose body this event erased; -1 for none
}

// FsckOptions supply what the ledger does not know, and choose how much is checked.
type FsckOptions struct {
	Read     func(event []byte) (Meaning, error) // nil: back chains, subjects and erasures are not judged
	Keys     note.Verifiers                      // log keys of all epochs; nil: signatures are not checked
	Private  bool                                // this copy should hold the private bodies
	Hashes   bool                                // leaves, tiles and head only: what a million leaves need 3 s for
	Progress func(done, total int64)             // every few thousand leaves; may be nil
}

// Fsck reads everything the ledger holds in tx's snapshot, recomputes what can be recomputed and reports each fault.
// It returns an error only when it cannot go on reading; faults are not errors. Memory grows with the number of
// subjects (some 100 bytes each), not with the log.
func (l *Log) Fsck(ctx context.Context, tx *store.Tx, o FsckOptions, report func(Problem)) error {
	f := &fsck{l: l, tx: tx, o: o, report: report, subjects: map[subjectKey]int64{}, missing: map[int64]string{}, dicts: map[int64]bool{}}
	for _, step := range []func(context.Context) error{f.head, f.leaves, f.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// subjectKey stands for a subject of any length. Two subjects with one key would need a SHA-256 collision.
type subjectKey [16]byte

func keyOf(subject string) subjectKey {
	sum := sha256.Sum256([]byte(subject))
	return subjectKey(sum[:])
}

// fsck is one run. Its tree is recomputed from leaves; stored tiles, head and checkpoints are compared with it as it
// passes them.
type fsck struct {
	l      *Log
	tx     *store.Tx
	o      FsckOptions
	report func(Problem)

	stored      Head
	end         int64 // how far leaves are read: what both the head and the leaves themselves reach
	checkpoints []Checkpoint
	subjects    map[subjectKey]int64
	missing     map[int64]string // bodies not there, until an erasure explains them
	dicts       map[int64]bool   // dictionaries that bodies use

	size   int64    // leaves in the recomputed tree
	time   int64    // newest stamp so far
	levels [][]Hash // hashes since the last full tile, by level
	broken bool     // a leaf is missing: hashes above it mean nothing

	mu sync.Mutex // tx is for one at a time: the reader of the next batch, or the checker of the present one
}

func (f *fsck) problem(part string, index int64, format string, args ...any) {
	f.report(Problem{Part: part, Index: index, Message: fmt.Sprintf(format, args...)})
}

func (f *fsck) head(ctx context.Context) error {
	count, err := f.count(ctx)
	if err != nil {
		return err
	}
	if f.stored, err = f.l.Head(ctx, f.tx); errors.Is(err, ErrHead) {
		f.problem("head", -1, "%v", err)
		f.stored, f.broken = Head{Size: count}, true // there is nothing to compare the tree with
	} else if err != nil {
		return err
	}
	if f.stored.Size != count {
		f.problem("head", -1, "says %d leaves, there are %d", f.stored.Size, count)
	}
	f.end = min(f.stored.Size, count)
	f.checkpoints, err = f.l.Checkpoints(ctx, f.tx)
	if errors.Is(err, ErrCheckpoint) {
		f.problem("checkpoint", -1, "%v", err)
		return nil
	}
	return err
}

// leaves walks the log. The next batches are read and judged leaf by leaf while the present one is held together.
func (f *fsck) leaves(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan *fsckBatch, fsckAhead)
	read := make(chan error, 1)
	go func() {
		defer close(batches)
		read <- f.readAll(ctx, batches)
	}()
	defer func() { // tx outlives no reader
		cancel()
		for range batches {
		}
		if e := <-read; err == nil {
			err = e
		}
	}()
	for b := range batches {
		b.judged.Wait()
		from := b.from
		for i := range b.rows {
			r := &b.rows[i]
			f.gap(from, r.idx)
			if err := f.leaf(ctx, b, r); err != nil {
				return err
			}
			from = r.idx + 1
		}
		f.gap(from, b.to)
		for _, idx := range b.orphans {
			f.problem("private", idx, "stands behind a leaf that is not there")
		}
		if f.o.Progress != nil {
			f.o.Progress(b.to, f.end)
		}
	}
	return nil
}

// gap reports the leaves [from, to) as missing; no hash above them can be recomputed any more.
func (f *fsck) gap(from, to int64) {
	for ; from < to; from++ {
		f.problem("leaf", from, "is not there")
		f.broken = true
	}
}

// leaf checks one leaf against what came before it and what stands beside it.
func (f *fsck) leaf(ctx context.Context, b *fsckBatch, r *fsckRow) error {
	if err := f.grow(ctx, b, r.hash); err != nil {
		return err
	}
	if r.err != nil {
		f.problem("leaf", r.idx, "%v", r.err)
		return nil
	}
	if r.stamp.Time < f.time {
		f.problem("leaf", r.idx, "is stamped %d, earlier than the leaf before it (%d)", r.stamp.Time, f.time)
	}
	f.time = max(f.time, r.stamp.Time)
	if f.o.Hashes {
		return nil
	}
	if f.o.Read != nil {
		if err := f.chain(ctx, r); err != nil {
			return err
		}
	}
	f.body(r)
	return nil
}

// chain checks o.back and remembers the subject's newest leaf; an erasure settles the body it names.
func (f *fsck) chain(ctx context.Context, r *fsckRow) error {
	m, err := f.o.Read(r.event)
	if err != nil {
		f.problem("leaf", r.idx, "event: %v", err)
		return nil
	}
	want := int64(-1)
	if m.Subject != "" {
		k := keyOf(m.Subject)
		if last, ok := f.subjects[k]; ok {
			want = last
		}
		f.subjects[k] = r.idx
	}
	if r.stamp.Back != want {
		f.problem("leaf", r.idx, "back is %d, the leaf before it about %q is %d", r.stamp.Back, m.Subject, want)
	}
	if m.Erases >= 0 {
		return f.erased(ctx, m.Erases, r.idx)
	}
	return nil
}

// erased settles that nothing stands beside target any more.
func (f *fsck) erased(ctx context.Context, target, by int64) error {
	if target >= by {
		f.problem("leaf", by, "erases the body of leaf %d, which does not come before it", target)
		return nil
	}
	delete(f.missing, target)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.l.Body(ctx, f.tx, target); !errors.Is(err, ErrNotFound) {
		f.problem("body", target, "is still there, though leaf %d says that it was erased", by)
	}
	if _, err := f.l.Private(ctx, f.tx, target); !errors.Is(err, ErrNotFound) {
		f.problem("private", target, "is still there, though leaf %d says that it was erased", by)
	}
	return ctx.Err()
}

// body compares what stands beside the leaf with what the leaf says of it.
func (f *fsck) body(r *fsckRow) {
	c := r.claims
	if r.body != nil {
		f.dicts[r.body.Dict] = true
	}
	switch {
	case c.public && r.body == nil:
		f.missing[r.idx] = "body"
	case !c.public && r.body != nil:
		f.problem("body", r.idx, "stands beside a leaf that names no public body")
	case r.bodyErr != nil:
		f.problem("body", r.idx, "%v", r.bodyErr)
	case c.public && (r.body.Hash != c.hash || r.body.N != c.n):
		f.problem("body", r.idx, "is another one than the leaf names")
	}
	switch committed := c.hasBody && !c.public; {
	case r.private == nil && committed && f.o.Private:
		f.missing[r.idx] = "private"
	case r.private != nil && !committed:
		f.problem("private", r.idx, "stands behind a leaf that commits to nothing")
	case r.private != nil && r.private.Hash() != c.hash:
		f.problem("private", r.idx, "does not open the commitment of its leaf")
	}
}

func (f *fsck) finish(ctx context.Context) error {
	if !f.o.Hashes {
		gone := make([]int64, 0, len(f.missing))
		for idx := range f.missing {
			gone = append(gone, idx)
		}
		slices.Sort(gone)
		for _, idx := range gone {
			f.problem(f.missing[idx], idx, "is not there, and no event says that it was erased")
		}
		for _, check := range []func(context.Context) error{f.strays, f.checkSubjects, f.checkDicts} {
			if err := check(ctx); err != nil {
				return err
			}
		}
	}
	f.checkHead()
	return f.tileCounts(ctx)
}
