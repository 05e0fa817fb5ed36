package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/c2sp"
)

// grow adds a leaf hash to the recomputed tree, holding each tile that it fills against the stored one.
func (f *fsck) grow(ctx context.Context, b *fsckBatch, h Hash) error {
	if f.broken {
		return nil
	}
	f.push(0, h)
	n := f.size / tileWidth
	for level := int64(0); len(f.levels[level]) == tileWidth; level++ {
		stored, ok := b.tiles[n]
		if level > 0 || !ok {
			var err error
			if stored, err = f.storedTile(ctx, level, n); err != nil {
				return err
			}
		}
		f.push(int(level+1), f.compareTile(level, n, f.levels[level], stored))
		f.levels[level] = f.levels[level][:0]
		n /= tileWidth
	}
	f.size++
	f.checkpointsAt()
	return nil
}

func (f *fsck) push(level int, h Hash) {
	if len(f.levels) == level {
		f.levels = append(f.levels, make([]Hash, 0, tileWidth))
	}
	f.levels[level] = append(f.levels[level], h)
}

// tree is the frontier of the recomputed tree: the hashes since the last full tile of each level, in subtrees.
func (f *fsck) tree() Head {
	h := Head{Size: f.size, Time: f.time}
	for level := len(f.levels) - 1; level >= 0; level-- {
		hashes := slices.Clone(f.levels[level])
		for width := tileWidth / 2; width > 0; width /= 2 {
			if len(hashes)&width != 0 {
				h.Edge = append(h.Edge, rootOf(hashes[:width]))
				hashes = hashes[width:]
			}
		}
	}
	return h
}

// storedTile is a tile as its row has it; hashes is nil when there is no such row or it has another length.
type storedTile struct {
	root   Hash
	hashes []byte
}

// compareTile holds recomputed hashes against the stored tile and reports differences. It returns the root to go on
// with. Where the stored hashes differ but have the root that their row carries, the leaves under the differing
// hashes were changed and not the tile: then the tile's root is believed, so that one bad leaf is one problem and not
// one more for everything above it.
func (f *fsck) compareTile(level, n int64, want []Hash, stored storedTile) Hash {
	tile := func(format string, args ...any) {
		f.report(Problem{Part: "tile", Level: level, Index: n, Message: fmt.Sprintf(format, args...)})
	}
	root := rootOf(slices.Clone(want))
	switch {
	case stored.hashes == nil:
		tile("is not there, or not 256 hashes long")
	case bytes.Equal(hashBytes(want), stored.hashes):
		if root != stored.root {
			tile("its root is not the root of its hashes")
		}
	case level > 0 || rootOf(tileHashes(stored.hashes)) != stored.root:
		tile("does not hold the hashes of what lies below it")
	default:
		for i, got := range tileHashes(stored.hashes) {
			if want[i] != got {
				f.problem("leaf", n*tileWidth+int64(i), "does not hash to what tile 0/%d holds", n)
			}
		}
		return stored.root
	}
	return root
}

func tileHashes(data []byte) []Hash {
	hs := make([]Hash, len(data)/tlog.HashSize)
	for i := range hs {
		copy(hs[i][:], data[i*tlog.HashSize:])
	}
	return hs
}

func (f *fsck) storedTile(ctx context.Context, level, n int64) (storedTile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tiles, err := f.readTiles(ctx, level, n, n+1)
	return tiles[n], err
}

// readTiles reads the tiles [from, to) of a level that have a row of the right length.
func (f *fsck) readTiles(ctx context.Context, level, from, to int64) (map[int64]storedTile, error) {
	rows, err := f.tx.Query(ctx, queries.Get("tiles"), level, from, to)
	if err != nil {
		return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
	}
	defer rows.Close()
	tiles := make(map[int64]storedTile, to-from)
	for rows.Next() {
		var n int64
		var root, data []byte
		if err := rows.Scan(&n, &root, &data); err != nil {
			return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
		}
		if len(data) != tileWidth*tlog.HashSize {
			continue
		}
		t := storedTile{hashes: data}
		copy(t.root[:], root)
		tiles[n] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
	}
	return tiles, nil
}

// checkpointsAt holds the recomputed root against every checkpoint of the present size.
func (f *fsck) checkpointsAt() {
	for _, c := range f.checkpoints {
		if c.Size != f.size {
			continue
		}
		if root := f.tree().Root(); c.Root != root {
			f.problem("checkpoint", -1, "%s signed root %s at size %d, the leaves give %s", c.Origin, c.Root, c.Size, root)
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
	tree := f.tree()
	if tree.Size != f.stored.Size {
		return // said already
	}
	if !equalHashes(tree.Edge, f.stored.Edge) {
		f.edge(tree)
	}
	if tree.Time != f.stored.Time {
		f.problem("head", -1, "says the last stamp is %d, the leaves say %d", f.stored.Time, tree.Time)
	}
}

// edge says which of the two, head row or leaves, is wrong where no full tile decides: a signed checkpoint of the
// same tree does, and each root of the frontier narrows the leaves down to its subtree.
func (f *fsck) edge(tree Head) {
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
		if f.stored.Edge[i] != tree.Edge[i] {
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
