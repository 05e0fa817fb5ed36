package ledger

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/c2sp"
)

// grow adds a leaf hash to the recomputed tree, holding each tile that it fills against the stored one.
func (f *fsck) grow(ctx context.Context, idx int64, h Hash) error {
	if f.broken {
		return nil
	}
	if len(f.levels) == 0 {
		f.levels = append(f.levels, make([]Hash, 0, tileWidth))
	}
	f.levels[0] = append(f.levels[0], h)
	if len(f.levels[0]) < tileWidth {
		f.tree.push(h)
		f.checkpointsAt()
		return nil
	}
	// The 256th leaf of a tile: compare before pushing, since a self-consistent tile shows which leaf is wrong.
	good, err := f.compareTile(ctx, 0, idx/tileWidth, f.levels[0])
	if err != nil {
		return err
	}
	if good != nil {
		f.rewind(idx/tileWidth, good)
	} else {
		f.tree.push(h)
	}
	f.checkpointsAt()
	hashes, n := f.levels[0], idx/tileWidth
	if good != nil {
		hashes = good
	}
	for level := 0; ; level++ {
		root := rootOf(cloneHashes(hashes))
		f.levels[level] = f.levels[level][:0]
		if len(f.levels) == level+1 {
			f.levels = append(f.levels, make([]Hash, 0, tileWidth))
		}
		f.levels[level+1] = append(f.levels[level+1], root)
		if len(f.levels[level+1]) < tileWidth {
			return nil
		}
		n /= tileWidth
		hashes = f.levels[level+1]
		if _, err := f.compareTile(ctx, int64(level+1), n, hashes); err != nil {
			return err
		}
	}
}

// cloneHashes copies hashes, which rootOf overwrites.
func cloneHashes(hs []Hash) []Hash { return append([]Hash(nil), hs...) }

// rewind replaces the last tile's leaves in the recomputed tree by the hashes of the stored tile, so that one bad leaf
// is one problem and not one more for everything above it.
func (f *fsck) rewind(n int64, good []Hash) {
	// The frontier before this tile: everything but the subtrees smaller than a tile.
	for f.tree.Size > n*tileWidth {
		low := f.tree.Size & -f.tree.Size
		f.tree.Size -= low
		f.tree.Edge = f.tree.Edge[:len(f.tree.Edge)-1]
	}
	for _, h := range good {
		f.tree.push(h)
	}
}

// compareTile holds recomputed hashes against the stored tile and reports differences. It returns the stored hashes
// when they should be believed instead of the leaves: they differ, but hash to the root that the tile row carries,
// so that not the tile but the leaves under the differing hashes were changed.
func (f *fsck) compareTile(ctx context.Context, level, n int64, want []Hash) (good []Hash, err error) {
	root, got, err := f.storedTile(ctx, level, n)
	if err != nil {
		return nil, err
	}
	tile := func(format string, args ...any) {
		f.report(Problem{Part: "tile", Level: level, Index: n, Message: fmt.Sprintf(format, args...)})
	}
	if got == nil {
		tile("is not there, or not 256 hashes long")
		return nil, nil
	}
	if bytes.Equal(hashBytes(want), hashBytes(got)) {
		if rootOf(got) != root {
			tile("its root is not the root of its hashes")
		}
		return nil, nil
	}
	if rootOf(cloneHashes(got)) != root || level > 0 {
		tile("does not hold the hashes of what lies below it")
		return nil, nil
	}
	for i := range want {
		if want[i] != got[i] {
			f.problem("leaf", n*tileWidth+int64(i), "does not hash to what tile 0/%d holds", n)
		}
	}
	return got, nil
}

func (f *fsck) storedTile(ctx context.Context, level, n int64) (root Hash, hashes []Hash, err error) {
	rows, err := f.tx.Query(ctx, queries.Get("tiles"), level, n, n+1)
	if err != nil {
		return root, nil, fmt.Errorf("tile %d/%d: %w", level, n, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r, data []byte
		if err := rows.Scan(&n, &r, &data); err != nil {
			return root, nil, fmt.Errorf("tile %d/%d: %w", level, n, err)
		}
		if len(data) == tileWidth*tlog.HashSize {
			copy(root[:], r)
			hashes = make([]Hash, tileWidth)
			for i := range hashes {
				copy(hashes[i][:], data[i*tlog.HashSize:])
			}
		}
	}
	return root, hashes, rows.Err()
}

// checkpointsAt holds the recomputed root against every checkpoint of the present size.
func (f *fsck) checkpointsAt() {
	for _, c := range f.checkpoints {
		if c.Size == f.tree.Size && c.Root != f.tree.Root() {
			f.problem("checkpoint", -1, "%s signed root %s at size %d, the leaves give %s", c.Origin, c.Root, c.Size, f.tree.Root())
		}
	}
}

// checkHead compares the head row with the recomputed tree, and the checkpoints with themselves.
func (f *fsck) checkHead() {
	for _, c := range f.checkpoints {
		f.checkNote(c)
	}
	if f.broken {
		return
	}
	if f.tree.Size == f.stored.Size && !equalHashes(f.tree.Edge, f.stored.Edge) {
		f.edge()
	}
	if f.tree.Size == f.stored.Size && f.tree.Time != f.stored.Time {
		f.problem("head", -1, "says the last stamp is %d, the leaves say %d", f.stored.Time, f.tree.Time)
	}
}

// edge says which of the two, head row or leaves, is wrong where no full tile decides: a signed checkpoint of the
// same tree does, and each root of the frontier narrows the leaves down to its subtree.
func (f *fsck) edge() {
	signed := false
	for _, c := range f.checkpoints {
		signed = signed || c.Size == f.stored.Size && c.Root == f.stored.Root()
	}
	from := int64(0)
	rest := f.stored.Size
	for i := range f.stored.Edge {
		size := int64(1)
		for size*2 <= rest {
			size *= 2
		}
		if f.stored.Edge[i] != f.tree.Edge[i] {
			if signed {
				f.problem("leaf", from, "or one up to leaf %d does not hash to what the head and its signed checkpoint hold", from+size-1)
			} else {
				f.problem("head", -1, "its hash over leaves %d to %d is not theirs", from, from+size-1)
			}
		}
		from, rest = from+size, rest-size
	}
}

// checkNote checks what a checkpoint row says against its own note.
func (f *fsck) checkNote(c Checkpoint) {
	if c.Size > f.stored.Size {
		f.problem("checkpoint", -1, "%s signed size %d, the log has %d leaves", c.Origin, c.Size, f.stored.Size)
	}
	if c.Size == 0 && c.Root != (Head{}).Root() {
		f.problem("checkpoint", -1, "%s signed root %s for the empty tree", c.Origin, c.Root)
	}
	var text string
	if f.o.Keys != nil {
		cp, err := OpenCheckpoint(c.Note, f.o.Keys)
		if err != nil {
			f.problem("checkpoint", -1, "%s: %v", c.Origin, err)
			return
		}
		text = cp.String()
	} else if n, err := note.Open(c.Note, note.VerifierList()); err != nil {
		unverified, ok := err.(*note.UnverifiedNoteError) //nolint:errorlint // note returns it bare
		if !ok {
			f.problem("checkpoint", -1, "%s: %v", c.Origin, err)
			return
		}
		text = unverified.Note.Text
	} else {
		text = n.Text
	}
	if want := (c2sp.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root}).String(); text != want {
		f.problem("checkpoint", -1, "%s: the note says something else than its row", c.Origin)
	}
}

// tileCounts finds tiles beyond the log.
func (f *fsck) tileCounts(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, queries.Get("fsck_tiles"))
	if err != nil {
		return fmt.Errorf("count tiles: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var level, count, first, last int64
		if err := rows.Scan(&level, &count, &first, &last); err != nil {
			return fmt.Errorf("count tiles: %w", err)
		}
		full := int64(0)
		if level >= 0 && level < 7 {
			full = f.stored.Size >> (tileHeight * (level + 1))
		}
		if first < 0 || last >= full {
			f.report(Problem{Part: "tile", Level: level, Index: last, Message: fmt.Sprintf("lies beyond the log, which has %d full tiles there", full)})
		}
	}
	return rows.Err()
}
